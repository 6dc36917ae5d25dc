"""One report, as text and as HTML."""

from pipelines.reports import Grid, Report, format_table


class Example(Report):
    def parts(self):
        rows = [("a<b", 1, None), ("c", 20, 0.5)]
        return [Grid(rows, ("name", "n", "x")), "", "more & more", Grid([("k", "v")])]

    def as_json(self):
        return {}


def test_text():
    assert str(Example()).splitlines() == [
        "name   n      x",
        "----  --  -----",
        "a<b    1      -",
        "c     20  0.500",
        "",
        "more & more",
        "k  v",
    ]


def test_html_says_the_same_and_runs_nothing():
    html = Example()._repr_html_()
    assert "<th>name</th><th>n</th><th>x</th>" in html
    assert '<td style="text-align: left">a&lt;b</td><td style="text-align: right">1</td>' in html
    assert "<pre>more &amp; more</pre>" in html
    assert "a<b" not in html
    assert html.count("<table>") == html.count("</table>") == 2


def test_a_notebook_keeps_the_text_that_is_printed_not_all_values():
    example = Example()
    kept = {"text/plain": str(example), "text/html": example._repr_html_()}
    assert example._repr_mimebundle_(include=None, exclude=None) == kept


def test_a_table_without_rows_has_its_header():
    assert format_table([], ("name", "n")) == "name  n\n----  -"
    assert format_table([]) == ""
    assert Grid([]).rows == []
