"""Who tells whom what in paper E's game, and who pays whom."""

from equigrid.markets.model.link import Link
from equigrid.markets.model.payment import Payment


def market_deals(
    iso: str, manager: str, load: str, leader: str
) -> tuple[list[Link], list[Payment]]:
    """Everything between the Disco and the parties that only announce or receive."""
    links = [
        Link(f"{iso}.wholesale_price_per_mwh", f"{leader}.wholesale_price_per_mwh"),
        Link(f"{iso}.ramp_penalty_per_mw", f"{leader}.ramp_penalty_per_mw"),
        Link(f"{manager}.generator_bid_per_mwh", f"{leader}.generator_bid_per_mwh"),
        Link(f"{manager}.interruption_bid_per_mwh", f"{leader}.interruption_bid_per_mwh"),
        Link("network-load", f"{leader}.income"),
        Link(f"{leader}.purchase_mw", f"{iso}.purchase_mw"),
        Link(f"{leader}.ramp_limit_mw_per_h", f"{iso}.ramp_limit_mw_per_h"),
        Link(f"{leader}.generator_order_mwh", f"{manager}.generator_order_mwh"),
        Link(f"{leader}.interruption_order_mw", f"{manager}.interruption_order_mw"),
    ]
    # A ramp in MW an hour, times the hours of a step, is one in MW; an order in MWh is an energy.
    owed = (
        ("wholesale", iso, "wholesale_price_per_mwh", "purchase_mw", None),
        ("ramp-penalty", iso, "ramp_penalty_per_mw", "ramp_limit_mw_per_h", None),
        ("generators", manager, "generator_bid_per_mwh", "generator_order_mwh", 1.0),
        ("interruptions", manager, "interruption_bid_per_mwh", "interruption_order_mw", None),
    )
    payments = [
        Payment(name, leader, to, f"{to}.{price}", f"{leader}.{quantity}", hours)
        for name, to, price, quantity, hours in owed
    ]
    sales = Payment("network-load", load, leader, f"{load}.tariff_per_mwh", f"{load}.load_mw")
    return links, [*payments, sales]


def exchange_deal(leader: str, site: str) -> tuple[list[Link], Payment]:
    """What the Disco and one microgrid tell each other, and its bill."""
    bill = Payment(f"bill-{site}", site, leader, f"{leader}.price_per_mwh", f"{site}.import_mw")
    links = [
        Link(f"{leader}.price_per_mwh", f"{site}.price"),
        Link(f"{site}.import_mw", f"{leader}.{site}_import_mw"),
        Link(f"{site}.ramp_mw_per_h", f"{leader}.{site}_ramp_mw_per_h"),
        Link(bill.name, f"{leader}.income"),
    ]
    return links, bill
