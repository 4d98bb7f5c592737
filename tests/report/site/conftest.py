"""A whole site, what a page says of a ranking, and one real Chromium, driven as a reader would drive it."""

import json
import shutil
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from ticketbench.methods import load_methods
from ticketbench.report.boards.board import boards
from ticketbench.report.site.build import build_site
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import looks
from ticketbench.report.site.ranking_page import ranking_page

EVIL = (
    "</script><script>document.title = 'injected'</script><img src=x onerror=\"document.title = 'injected'\">\u2028"
)
EDITION = "2026-11"
MINE = '''"""A file with </code><script>alert(1)</script> in it."""
from ticketbench import scorer

CITES = ["frankle2019lottery", "@misc{own, title = {Mine <i>}}"]

@scorer("mine", title="Mine & <b>only</b> mine", cites=CITES, family="own")
def mine(search, checkpoint, *, power: float = 2.0, mode="<u>"):
    """Scores by `power`.

    A second paragraph with <script>alert(2)</script>.
    """
    return {name: weight.abs() ** power for name, weight in checkpoint.prunable.items()}
'''
CHROMEDRIVER = shutil.which("chromedriver")
READY = """
const said = document.documentElement.dataset;
return (said.tables === "ready" || !document.querySelector("table.board, table.tasks"))
  && (said.figures === "ready" || !document.querySelector("[data-chart]"));
"""


@dataclass
class Browser:
    """A browser and where its pages come from. `driver` is selenium's own."""

    driver: Any
    root: str

    def open(self, address: str, *, ready: bool = True) -> None:
        """A page of the site, with a fresh document, and its scripts at rest."""
        self.driver.get("about:blank")
        self.driver.get(self.root + address)
        if ready:
            self.wait(READY)

    def wait(self, script: str, *values: Any) -> Any:
        """What a script returns once it is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, 20, 0.05).until(lambda driver: driver.execute_script(script, *values))

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def all(self, selector: str) -> list[str]:
        """The visible text of what a selector finds."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText.trim())"
        return list(self.run(script, selector))

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def press(self, *keys: str) -> None:
        """Keys, to whatever has the focus."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def focus(self) -> Any:
        return self.driver.switch_to.active_element

    def excess(self, width: int) -> int:
        """By how many pixels the page is wider than a window of this width."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        try:
            return int(self.run("return Math.max(0, document.documentElement.scrollWidth - innerWidth)"))
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def complaints(self) -> list[str]:
        """What stands in the console since it was last asked."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since it was last asked."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="session")
def chromium(installed_chromium, tmp_path_factory):
    """selenium's driver of a Chromium that resolves no host name."""
    if CHROMEDRIVER is None:
        pytest.skip("no Chromium")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location, flags = installed_chromium
    for argument in (
        *flags,
        "--force-prefers-reduced-motion",
        *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1300,1000"),
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def serve():
    """A folder on a server of this machine: `serve(folder)` gives its address."""
    servers = []

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *said):
            pass

    def start(folder):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def browser_on(chromium):
    """A browser on a root address: `browser_on(root)`."""
    return partial(Browser, chromium)


def with_curve(rows_of, row):
    points = [
        (step, 2.0 - step / 1e3, 2.1 - step / 1e3, 0.1 + step / 1e3, 2.2, step / 900) for step in range(0, 801, 40)
    ]
    layers = [{"layer": f"hidden{EVIL}.weight", "kept": row["kept"], "prunable": row["prunable"]}]
    return row | {"curve": rows_of.make_curve(points), "kept_per_layer": layers}


@pytest.fixture(scope="session")
def whole(rows_of, tmp_path_factory):
    """A site of two tasks with an edition, a method's own file, and hostile text wherever a stranger may write."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "mine.py").write_text(MINE, "utf-8")
    methods = {each.name: each for each in load_methods(folder / "mine.py")}
    task = rows_of.make_task().model_copy(update={"title": f"Digits {EVIL}"})
    accuracy = {"dense": [0.95], "mine": [0.95, 0.9], "imp": [0.94, 0.85]}
    rows = [with_curve(rows_of, row) for row in rows_of.make_results(task, accuracy, seeds=5, examples=100)]
    rows[-1] |= {"status": "collapsed", "reason": EVIL}
    strange = rows_of.make_results(
        task, {f"__proto__ {EVIL}": [0.9, 0.8]}, seeds=3, examples=100, label=f"=1+1 {EVIL}"
    )
    other = rows_of.make_task("digits/conv")
    small = rows_of.make_results(other, {"dense": [0.9], "imp": [0.9]}, seeds=3, examples=100)
    results = rows_of.write_results(folder / "results", [*rows, *small])
    rows_of.write_results(folder / "results/strangers", [row | {"method_digest": "f" * 64} for row in strange])
    tasks = {each.id: each for each in (task, other)}
    for each in tasks.values():
        (folder / f"{each.id.replace('/', '-')}.json").write_text(each.model_dump_json(), "utf-8")
    build_site([results], folder / "site", tasks, methods, edition=EDITION)
    return SimpleNamespace(
        folder=folder,
        site=folder / "site",
        results=results,
        rows=[*rows, *strange],
        tasks=tasks,
        methods=methods,
        edition=EDITION,
    )


@pytest.fixture(scope="session")
def files_of():
    """`files_of(folder)`: what each file below a folder holds, by its path there."""

    def read(folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }

    return read


@pytest.fixture(scope="session")
def shown():
    """`shown(rows, task)`: what a page says of the ranking of rows of one board, and its headline."""

    def show(rows, task):
        (board,) = boards(rows, {task.id: task})
        look = looks({series_name(each): "" for each in board.series})
        return ranking_page(board, task, {}, look, {each.method: False for each in board.series})

    return show
