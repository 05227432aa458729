from datetime import timedelta

from ca_etl.demo import desk
from ca_etl.demo.content import published_by


def edited(site, day):
    """The articles on `day` that differ from those without desk."""
    site.play(day)
    desk.work(site, day)
    return [article for article in site.posts.snapshot(day).listed if article not in published_by(day)]


def test_an_article_gets_a_sentence_and_later_another_one_its_title(site):
    before = desk.ADDS_A_SENTENCE - timedelta(days=1)
    assert edited(site, before) == []
    (longer,) = edited(site, desk.ADDS_A_SENTENCE)
    assert longer.paragraphs[-1].endswith(f"what was learned on {before}.")
    assert longer.modified_at.date() == desk.ADDS_A_SENTENCE
    titles = [article.title for article in edited(site, desk.CHANGES_A_TITLE)]
    assert len(titles) == 2
    assert titles[0].endswith(", Officials Say")


def test_work_that_is_done_is_not_done_again(site):
    once = edited(site, desk.CHANGES_A_TITLE)
    assert edited(site, desk.CHANGES_A_TITLE) == once
