"""Let the parties of a distribution grid bargain, and let AC power flow judge the outcome.

Examples
--------
A microgrid buys from a distribution company that sets the price; the company knows how the
microgrid will answer.

>>> import cvxpy as cp, numpy as np, equigrid as eg
>>> hour = np.arange(24)
>>> load_mw, wholesale = 2 + np.sin(hour / 4), 30.0 + 20 * (hour > 16)
>>> price, import_mw, output_mw = cp.Parameter(24), cp.Variable(24), cp.Variable(24, bounds=[0, 1])
>>> balance = (import_mw + output_mw == load_mw).set_label("E(19) balance")
>>> cost = price @ import_mw + 45 * cp.sum(output_mw)
>>> microgrid = eg.Agent("mg1", cp.Problem(cp.Minimize(cost), [balance]),
...                      hears={"price": price}, says={"import_mw": import_mw})
>>> offer, sold_mw, income = cp.Variable(24, bounds=[0, 90]), cp.Parameter(24), cp.Parameter()
>>> disco = eg.Agent("disco", cp.Problem(cp.Minimize(wholesale @ sold_mw - income)),
...                  hears={"sold_mw": sold_mw, "income": income}, says={"price": offer})
>>> game = eg.Game(
...     agents=[disco, microgrid], leader="disco",
...     payments=[eg.Payment("bill", payer="mg1", payee="disco",
...                          price="disco.price", quantity="mg1.import_mw")],
...     links=[eg.Link("disco.price", "mg1.price"), eg.Link("mg1.import_mw", "disco.sold_mw"),
...            eg.Link("bill", "disco.income")])
>>> equilibrium = eg.Exact().solve(game)
>>> round(equilibrium.leader_objective, 2)
-1440.02
>>> equilibrium.values["disco.price"][[0, 16]].round(2).tolist()
[90.0, 45.0]
>>> equilibrium.certificate.regret["mg1"] < 1e-6
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
