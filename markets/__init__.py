"""Games between the parties of a grid: how they are declared, solved, settled and certified.

From below: ``model`` declares agents, links, payments and balances; ``forms`` compiles them to
matrices and solves one alone; ``messaging`` carries messages and ``accounts`` settles money;
``games`` puts agents together and checks them. Engines find answers: ``bilevel`` (KKT, MPCC,
big-M), ``best_response`` (rounds, Nash, EPEC), ``admm``. ``certification`` checks an answer and
shares nothing with them. ``methods`` (Exact, BestResponse, Admm) join both to an ``equilibrium``.
"""
