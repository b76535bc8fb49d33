"""Whatever anybody solved with HiGHS on other threads, answers are the same and his calls work."""

import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from equigrid.own_thread import in_own_thread

# Each is solved by a user, on two threads, before, between and after ours.
USERS = {
    "cvxpy": """
        def user():
            x = cp.Variable(60, integer=True)
            knapsack = cp.Problem(cp.Maximize(w @ x), [w @ x <= 31.7, x >= 0, x <= 1])
            knapsack.solve(solver=cp.HIGHS, threads=2)
            assert knapsack.status == "optimal"
        """,
    "highspy": """
        def user():
            highs = highspy.Highs()
            highs.setOptionValue("output_flag", False)
            highs.setOptionValue("threads", 2)
            for k in range(60):
                highs.addVar(0.0, 1.0)
                highs.changeColCost(k, -w[k])
                highs.changeColIntegrality(k, highspy.HighsVarType.kInteger)
            highs.addRow(-np.inf, 31.7, 60, np.arange(60, dtype=np.int32), w)
            assert highs.run() != highspy.HighsStatus.kError
            assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        """,
    "scipy": """
        def user():
            limit = optimize.LinearConstraint(w[None, :], ub=31.7)
            found = optimize.milp(-w, integrality=np.ones(60), bounds=(0, 1), constraints=limit)
            assert found.status == 0
        """,
}
OURS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import cvxpy as cp, highspy, numpy as np
from scipy import optimize
import equigrid as eg

w = np.random.default_rng(1).uniform(1.0, 3.0, 60)
{user}
def led():
    price, import_mw, output_mw = cp.Parameter(3), cp.Variable(3), cp.Variable(3, bounds=[0, 1])
    cost = price @ import_mw + 45 * cp.sum(output_mw)
    buyer = eg.Agent("buyer", cp.Problem(cp.Minimize(cost), [import_mw + output_mw == 2]),
                     hears={{"price": price}}, says={{"import_mw": import_mw}})
    offer, sold_mw, income = cp.Variable(3, bounds=[0, 90]), cp.Parameter(3), cp.Parameter()
    seller = eg.Agent("seller", cp.Problem(cp.Maximize(income - 30 * cp.sum(sold_mw))),
                      hears={{"sold_mw": sold_mw, "income": income}}, says={{"price": offer}})
    links = [eg.Link("seller.price", "buyer.price"), eg.Link("buyer.import_mw", "seller.sold_mw"),
             eg.Link("bill", "seller.income")]
    bill = eg.Payment("bill", "buyer", "seller", "seller.price", "buyer.import_mw")
    return eg.Game([seller, buyer], leader="seller", links=links, payments=[bill])

def pool():
    def plant(name, cost, most):
        mw = cp.Variable(2, bounds=[0, most])
        problem = cp.Problem(cp.Minimize(cost * cp.sum(mw)))
        return eg.Agent(name, problem, says={{"mw": mw}})
    load = eg.Agent("load", says={{"mw": cp.Constant([5.0, 4.0])}})
    parties = [plant("wind", 5, 3), plant("gas", 40, 9), load]
    terms = ["wind.mw", "gas.mw", "-load.mw"]
    return eg.Game(parties, balances=[eg.Balance("energy", terms)])

def answers():
    solver = eg.AgentSolver(led().agent("buyer"))
    told = [solver.answer(price=[20.0, 50.0, 45.0])["import_mw"]]
    for method in (eg.Exact(route="milp"), eg.Exact(route="branching"), eg.BestResponse(rounds=8)):
        told += list(method.solve(led()).values.values())
        {between}
    for method in (eg.Exact(), eg.Admm()):
        told += list(method.solve(pool()).values.values())
        {between}
    return b"".join(np.asarray(value, dtype=float).tobytes() for value in told).hex()

{before}
if "{where}" == "worker":
    with ThreadPoolExecutor(2) as workers:
        both = [workers.submit(lambda: answers()) for _ in range(2)]
        texts = {{call.result() for call in both}}
        assert len(texts) == 1
        print(texts.pop())
else:
    print(answers())
{after}
"""


def script(user: str, *, around: bool, where: str) -> str:
    call = "user()" if around else ""
    told = textwrap.dedent(user)
    return OURS.format(user=told, before=call, between=call, after=call, where=where)


def printed(text: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture(scope="module")
def alone() -> str:
    return printed(script(USERS["cvxpy"], around=False, where="main"))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["main", "worker"])
@pytest.mark.parametrize("user", USERS)
def test_answers_and_the_users_own_solves_are_as_if_alone(
    user: str, where: str, alone: str
) -> None:
    assert printed(script(USERS[user], around=True, where=where)) == alone


def test_a_thread_of_ours_ends_with_whom_it_served() -> None:
    with ThreadPoolExecutor(1) as user:
        name = user.submit(in_own_thread, lambda: threading.current_thread().ident).result()
    for thread in threading.enumerate():
        if thread.ident == name:
            thread.join(5)
            assert not thread.is_alive()


def test_what_is_raised_there_is_raised_here() -> None:
    def fails() -> None:
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        in_own_thread(fails)
    assert in_own_thread(lambda: in_own_thread(lambda: 3)) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing to fork")
def test_a_forked_process_has_a_thread_of_its_own() -> None:
    text = """
    import os
    from equigrid.own_thread import in_own_thread
    assert in_own_thread(lambda: 1) == 1
    child = os.fork()
    if not child:
        os._exit(in_own_thread(lambda: 7))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    """
    printed(textwrap.dedent(text))
