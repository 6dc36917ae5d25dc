"""The page in a real Chromium: what a reader sees, points at, draws around and chooses."""

import base64
import io
import itertools
import re

import numpy as np
import pytest
from PIL import Image

from classifiers import report
from tests.classifiers.conftest import run_train
from tests.classifiers.reporting.pages import Parsed
from tests.classifiers.reporting.tables import colour_of, two_classes, write_rows
from tests.classifiers.reporting.test_page import HOSTILE, ids_as_written

pytestmark = pytest.mark.acceptance

PLACES = """() => map.shown.map((image) => [data.ids[image], ...placed(image)])"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported")
    two_classes(folder)
    assert run_train(folder / "features", "logistic", folder / "model") == 0
    (folder / "duplicates.csv").write_text(
        "group,image_id,split,label,similarity\n"
        "1,train/cats/0.png,train,cats,0.99\n1,test/dogs/3.png,test,dogs,0.98\n"
    )
    (folder / "quality.csv").write_text("image_id,faults\ntest/cats/2.png,dark blurred\n")
    output = folder / "page.html"
    options = ["--table", folder / "features", "--model", folder / "model", "--audit", folder]
    options += ["--allow_uri", folder / "pictures", "--output", output]
    assert report.main([*map(str, options)]) == 0
    return output


@pytest.fixture
def opened(browser, page):
    browser.open(page)
    browser.page.locator("#canvas").scroll_into_view_if_needed()
    yield browser.page
    assert browser.complaints == []
    assert browser.requests == []


def count_of(opened) -> int:
    return int(re.match(r"[\d,]+", opened.inner_text("#map-count"))[0].replace(",", ""))


def colour_shown(source: str) -> np.ndarray:
    picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
    return np.asarray(picture.convert("RGB"), int).mean((0, 1))


def pointed_at(opened, place) -> None:
    box = opened.locator("#canvas").bounding_box()
    opened.mouse.move(box["x"] + 1 + place[0], box["y"] + 1 + place[1])


def test_pointing_at_an_image_shows_its_own_picture(opened):
    for name, x, y in opened.evaluate(PLACES)[::5]:
        pointed_at(opened, (x, y))
        found = opened.inner_text("#hover p >> nth=0")
        number = ids_as_written().index(found)
        shown = colour_shown(opened.get_attribute("#hover img", "src"))
        assert found == name
        assert np.abs(shown - colour_of(number)).max() < 8
    opened.mouse.move(2, 2)
    assert opened.locator("#hover").is_hidden()


def test_a_lasso_selects_what_is_inside_it(opened):
    places = opened.evaluate(PLACES)
    middle = sorted(x for _, x, _ in places)[len(places) // 2] + 0.25
    expected = {name for name, x, _ in places if x < middle}
    box = opened.locator("#canvas").bounding_box()
    left, top, bottom = 2, 2, box["height"] - 4
    opened.check("#lasso")
    pointed_at(opened, (left, top))
    opened.mouse.down()
    for corner in ((middle, top), (middle, bottom), (left, bottom)):
        pointed_at(opened, corner)
    opened.mouse.up()
    while opened.locator("#selected .more").is_visible():
        opened.click("#selected .more")
    names = opened.locator("#selected figcaption span:first-child").all_inner_texts()
    assert {*names} == expected
    assert opened.inner_text("#selected-title") == f"Selected: {len(expected)} images"


def test_dragging_and_the_wheel_move_and_zoom(opened):
    before = {name: (x, y) for name, x, y in opened.evaluate(PLACES)}
    pointed_at(opened, (100, 100))
    opened.mouse.down()
    pointed_at(opened, (130, 90))
    opened.mouse.up()
    moved = {name: (x, y) for name, x, y in opened.evaluate(PLACES)}
    for name, (x, y) in before.items():
        assert moved[name] == pytest.approx((x + 30, y - 10), abs=0.6)
    opened.mouse.wheel(0, -400)
    opened.wait_for_function("map.scale > 2")
    for name, x, y in opened.evaluate(PLACES):
        wanted = 130 + np.e * (moved[name][0] - 130), 90 + np.e * (moved[name][1] - 90)
        assert (x, y) == pytest.approx(wanted, abs=3)
    opened.click("#fit")
    assert {n: (x, y) for n, x, y in opened.evaluate(PLACES)} == before


def test_filters_count_what_a_plain_loop_counts(opened, page):
    data = Parsed(page).data
    model = data["models"][0]
    images = range(len(data["ids"]))
    dogs, test = data["labels"].index("dogs"), data["splits"].index("test")
    assert count_of(opened) == 48
    opened.select_option("#by-label", label="dogs")
    assert count_of(opened) == sum(data["label"][k] == dogs for k in images)
    opened.select_option("#by-split", label="test")
    both = [k for k in images if data["label"][k] == dogs and data["split"][k] == test]
    assert count_of(opened) == len(both)
    opened.select_option("#by-told", index=1)
    wrong = [k for k in both if model["predicted"][k] != model["classes"].index("dogs")]
    assert 0 < len(wrong) == count_of(opened) < len(both)
    opened.select_option("#by-told", index=0)
    opened.fill("#by-name", "DOGS/3")
    assert count_of(opened) == 1


def test_a_cell_of_the_confusion_matrix_shows_its_images(opened, page):
    data = Parsed(page).data
    for truth, said, images, behind in data["models"][0]["cells"]:
        names = data["models"][0]["classes"]
        title = f"{names[truth]} told as {names[said]}: {images} image"
        opened.locator(f'button[aria-label^="{title}"]').click()
        assert opened.inner_text("#model-0-behind h4").startswith(title)
        shown = opened.locator("#model-0-behind figcaption span:first-child").all_inner_texts()
        assert shown == [data["ids"][k] for k in behind]


def test_findings_stand_side_by_side(opened):
    assert opened.locator(".finding img").evaluate_all("all => all.map((each) => each.alt)") == [
        "train/cats/0.png, cats",
        "test/dogs/3.png, dogs",
        "test/cats/2.png, cats",
    ]
    heads = ["Near duplicates (1)", "Poor pictures (1)"]
    assert opened.locator("#findings-list h3").all_inner_texts() == heads
    assert opened.locator(".finding p").last.inner_text() == "dark, blurred"
    first, second = (opened.locator(".finding img").nth(k).bounding_box() for k in (0, 1))
    assert first["y"] == second["y"]


def test_the_keyboard_does_what_the_pointer_does(opened):
    opened.focus("#canvas")
    across = sorted(opened.evaluate(PLACES), key=lambda place: place[1])
    opened.keyboard.press("n")
    opened.keyboard.press("n")
    assert across[1][0] in opened.text_content("#map-said")
    opened.keyboard.press("Enter")
    assert opened.inner_text("#selected-title") == "Selected: 1 image"
    opened.keyboard.press("a")
    assert opened.inner_text("#selected-title") == "Selected: 48 images"
    opened.keyboard.press("Escape")
    assert opened.inner_text("#selected-title") == "Selected: 0 images"
    opened.keyboard.press("+")
    opened.keyboard.press("ArrowLeft")
    assert opened.evaluate("map.scale") == pytest.approx(1.3)
    opened.keyboard.press("0")
    assert opened.evaluate("[map.scale, map.x, map.y]") == [1, 0, 0]


def test_everything_has_a_name_for_who_cannot_see_it(opened):
    unnamed = opened.evaluate(
        """() => [...document.querySelectorAll("img, svg, canvas, button, select, input")]
          .filter((each) => !each.hidden && !(each.alt || each.getAttribute("aria-label")
            || each.getAttribute("aria-labelledby") || (each.labels && each.labels.length)
            || each.textContent.trim()))
          .map((each) => each.outerHTML)"""
    )
    assert unnamed == []
    assert opened.evaluate("document.documentElement.lang") == "en"
    levels = opened.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => +h.tagName[1])"
    )
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_by_day_and_by_night(opened, scheme):
    opened.emulate_media(color_scheme=scheme)
    for name in ("body", "#made", "#legend", "thead th"):
        ink, paper = opened.evaluate(
            """(name) => {
              const each = document.querySelector(name);
              let under = each;
              const clear = "rgba(0, 0, 0, 0)";
              while (getComputedStyle(under).backgroundColor === clear) under = under.parentElement;
              return [getComputedStyle(each).color, getComputedStyle(under).backgroundColor];
            }""",
            name,
        )
        assert contrast(ink, paper) > 4.5, (name, ink, paper)


def contrast(one: str, other: str) -> float:
    """As WCAG has it."""
    levels = []
    for colour in (one, other):
        shares = np.array([int(each) for each in re.findall(r"\d+", colour)[:3]]) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        levels.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    return (max(levels) + 0.05) / (min(levels) + 0.05)


def test_on_paper_there_is_nothing_to_press_and_no_scrolling(opened):
    opened.emulate_media(media="print")
    assert opened.locator(".controls").is_hidden()
    assert opened.evaluate(
        "[...document.querySelectorAll('.scroll')]"
        ".every((each) => getComputedStyle(each).overflowY === 'visible')"
    )
    assert opened.locator("#counts-table").is_visible()


def test_hostile_names_are_shown_and_run_nothing(browser, tmp_path):
    rows = [(f"train/{name}", name, "train") for name in HOSTILE]
    write_rows(tmp_path, rows, np.random.default_rng(0).normal(size=(len(rows), 4)))
    options = ["--table", tmp_path / "features", "--output", tmp_path / "page.html"]
    assert report.main([*map(str, options), "--allow_uri", str(tmp_path / "pictures")]) == 0
    alerts = []
    browser.page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    browser.open(tmp_path / "page.html")
    browser.page.focus("#canvas")
    browser.page.keyboard.press("a")
    shown = browser.page.locator("#selected figcaption span:first-child").all_text_contents()
    assert {*shown} == {*Parsed(tmp_path / "page.html").data["ids"]}
    assert browser.page.locator("#legend li").count() == len(HOSTILE)
    assert browser.page.locator("main script, main img[src=x]").count() == 0
    assert (alerts, browser.complaints, browser.requests) == ([], [], [])


def test_a_script_or_a_request_of_anybody_else_is_refused(browser, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    strange = "<script>document.title = 'taken'</script><img src='https://example.com/x.png'>"
    (tmp_path / "page.html").write_text(text.replace("<header>", f"<header>{strange}", 1))
    browser.open(tmp_path / "page.html")
    assert browser.page.title() != "taken"
    assert len(browser.complaints) >= 2
    assert all("Content Security Policy" in each for each in browser.complaints)


def test_many_classes_are_told_in_a_list(browser, tmp_path):
    random = np.random.default_rng(3)
    names = [f"class {k:03d}" for k in range(120)]
    rows = [
        (f"{of}/{name}/{k}", name, of) for of in ("train", "test") for name in names for k in "ab"
    ]
    centres = random.normal(size=(120, 16))
    features = np.array([centres[names.index(label)] for _, label, _ in rows])
    write_rows(tmp_path, rows, features + random.normal(0, 0.8, features.shape))
    assert run_train(tmp_path / "features", "logistic", tmp_path / "model") == 0
    options = ["--table", tmp_path / "features", "--model", tmp_path / "model"]
    options += ["--output", tmp_path / "page.html", "--allow_uri", tmp_path / "pictures"]
    assert report.main([*map(str, options)]) == 0
    assert browser.open(tmp_path / "page.html") < 1500
    data = Parsed(tmp_path / "page.html").data
    pairs = sorted((n for t, s, n, _ in data["models"][0]["cells"] if t != s), reverse=True)[:200]
    listed = browser.page.locator("[aria-label='Confused classes'] button")
    assert [int(each) for each in listed.all_inner_texts()] == pairs
    assert browser.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    listed.first.click()
    assert (
        browser.page.inner_text("#model-0-behind h4").endswith(f": {pairs[0]} images")
        or pairs[0] == 1
    )
    assert (browser.complaints, browser.requests) == ([], [])
