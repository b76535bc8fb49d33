"""Money: who owes whom, what a price setter's income is, what a price is made of.

``settlement`` works out amounts, ``price_setter_income`` states an amount that its hearer moves,
``dlmp_decomposition`` splits a dual (a DLMP, say) by the constraints behind it.
"""
