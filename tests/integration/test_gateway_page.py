"""The chat page in a real browser, on a real gateway, before an orchestrator that follows the test."""

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from marianne_proto.orchestrator.v1 import orchestrator_pb2 as pb
from support.gateway import RunningGateway, running_gateway
from support.orchestrator import (
    Break,
    FakeOrchestrator,
    Step,
    clarification,
    degraded,
    done,
    error,
    meta,
    short_answer,
    source,
    sources,
    status,
    token,
    withheld,
)

pytestmark = [pytest.mark.system("chromium"), pytest.mark.asyncio(loop_scope="module")]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


@pytest_asyncio.fixture(name="browser", scope="module", loop_scope="module")
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(name="orchestrator", loop_scope="module")
async def _orchestrator() -> FakeOrchestrator:
    return FakeOrchestrator()


@pytest_asyncio.fixture(name="gateway", loop_scope="module")
async def _gateway(orchestrator: FakeOrchestrator) -> AsyncIterator[RunningGateway]:
    template = "https://traces.example.org/{trace_id}"
    async with orchestrator.running() as address, running_gateway(address, trace_url_template=template) as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def opened(browser: Browser, url: str) -> AsyncIterator[Page]:
    """The page; fails if anything in it did."""
    complaints: list[str] = []
    context = await browser.new_context(locale="fr-FR", viewport={"width": 390, "height": 844})
    context.set_default_timeout(15_000)
    page = await context.new_page()
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    await page.goto(url)
    await expect(page.locator("#nationality option")).to_have_count(250)
    yield page
    await context.close()
    assert complaints == []


@pytest_asyncio.fixture(name="page", loop_scope="module")
async def _page(browser: Browser, gateway: RunningGateway) -> AsyncIterator[Page]:
    async with opened(browser, f"{gateway.url}/") as page:
        yield page


async def ask(page: Page, text: str = "Une question ?") -> None:
    await page.locator("#query").fill(text)
    await page.locator("#query").press("Enter")


async def test_an_answer_is_shown_with_all_that_one_needs_to_verify_it(
    page: Page, orchestrator: FakeOrchestrator
) -> None:
    sheet = source(1, "Une phrase.", "Une autre.", title="Une fiche", updated_at="2026-10-01", context=["Thème"])
    article = source(2, "Un texte.", title="Un article", status="VIGUEUR", start_date="2021-05-01", dataset="legi")
    orchestrator.play(
        meta(trace_id="ab" * 16, trace_sampled=True),
        status("retrieving"),
        degraded("rerank", "Les textes sont classés moins finement."),
        sources(sheet, article),
        token("Une phrase. ", "1.1", verdict="quoted"),
        token("Dite autrement.\n\n", "1.2", "2.1"),
        token("- un point\n", "2.1", verdict="cited"),
        token("- un autre\n", "2.1", verdict="cited"),
        withheld("contradiction"),
        token("Un texte.", "2.1", verdict="quoted", replaces="contradiction"),
        done(),
    )

    await ask(page)

    await expect(page.locator(".foot")).to_be_visible()
    await expect(page.locator(".status")).to_have_count(0)
    await expect(page.locator(".text p").first).to_have_text(
        "Une phrase.citation1.1Source 1, phrase 1 Dite autrement.vérifié1.2Source 1, phrase 22.1Source 2, phrase 1"
    )
    await expect(page.locator(".text ul li")).to_have_count(2)
    await expect(page.locator(".replaced")).to_contain_text("texte de la source")
    await expect(page.locator(".withheld")).to_have_text("Une phrase n’a pas pu être vérifiée et n’est pas affichée.")
    await expect(page.locator(".notice")).to_have_text(["Les textes sont classés moins finement."])
    await expect(page.locator(".sources .title")).to_have_text(["Une fiche", "Un article"])
    await expect(page.locator(".provenance")).to_have_text(
        ["service-public · mis à jour le 1er octobre 2026", "legi · en vigueur · depuis le 1er mai 2021"]
    )
    link = page.locator(".out a").first
    await expect(link).to_contain_text("Vérifier sur la page officielle")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("href", "https://example.org/1")
    await expect(page.locator(".foot a")).to_have_attribute("href", f"https://traces.example.org/{'ab' * 16}")


async def test_a_citation_opens_the_source_sentence_word_for_word(page: Page, orchestrator: FakeOrchestrator) -> None:
    cited = source(1, "Avant.", "Mot  pour mot, «\N{NO-BREAK SPACE}tel quel\N{NO-BREAK SPACE}».", title="Une fiche")
    orchestrator.play(meta(), sources(cited), token("Une phrase.", "1.2"), done())
    await ask(page)
    button = page.get_by_role("button", name="Source 1, phrase 2")

    await button.click()

    await expect(button).to_have_attribute("aria-expanded", "true")
    assert await page.locator(".quotation blockquote").text_content() == cited.sentences[1]
    await button.click()
    await expect(button).to_have_attribute("aria-expanded", "false")
    await expect(page.locator(".quotation")).to_have_count(0)


async def test_a_citation_of_what_is_not_there_is_not_shown(page: Page, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(meta(), sources(source(1, "Une phrase.")), token("?", "1.2", "2.1", "1.0", "x"), done())

    await ask(page)

    await expect(page.locator(".foot")).to_be_visible()
    await expect(page.locator(".citation")).to_have_count(0)


async def test_sources_that_no_sentence_cites_are_folded_away_in_the_end(
    page: Page, orchestrator: FakeOrchestrator
) -> None:
    go_on = asyncio.Event()
    given = [source(n, "Une phrase.") for n in (1, 2, 3)]
    orchestrator.play(meta(), sources(*given), token("Une phrase.", "2.1"), go_on, done())
    await ask(page)
    await expect(page.locator(".sources .title")).to_have_text(["Texte 1", "Texte 2", "Texte 3"])

    go_on.set()

    await expect(page.locator(".others summary").first).to_have_text("Autres textes consultés (2)")
    await expect(page.locator(".sources > ol > li .title")).to_have_text(["Texte 2"])
    assert await page.locator(".sources li[value]").evaluate_all("items => items.map((item) => item.value)") == [
        2,
        1,
        3,
    ]


async def test_no_text_becomes_markup(page: Page, orchestrator: FakeOrchestrator) -> None:
    bad = source(1, HOSTILE, title=HOSTILE, url="javascript:document.title='taken'", context=[HOSTILE], dataset=HOSTILE)
    question = pb.ClarifyingQuestion(slot="s", question=HOSTILE, why=HOSTILE, options=[HOSTILE])
    orchestrator.play(
        meta(trace_id=HOSTILE),
        degraded("llm", HOSTILE),
        sources(bad),
        token(f"{HOSTILE}\n- {HOSTILE}\n**{HOSTILE}**", "1.1"),
        clarification(question),
        error("llm", HOSTILE),
        done("error"),
    )

    await ask(page, HOSTILE)
    await page.locator(".citation").click()

    await expect(page.locator(".failure")).to_be_visible()
    await expect(page.locator(".quotation blockquote")).to_have_text(HOSTILE)
    await expect(page.locator("#conversation img, #conversation script, #conversation a")).to_have_count(0)
    await expect(page.locator(".question")).to_have_text(HOSTILE)
    await expect(page).to_have_title("Marianne")


@pytest.mark.parametrize("fields", [{"dataset": "sample"}, {"official": False}], ids=["sample", "unofficial"])
async def test_a_sample_is_said_to_be_one(
    page: Page, orchestrator: FakeOrchestrator, fields: dict[str, object]
) -> None:
    orchestrator.play(meta(), sources(source(1, "Une phrase.", **fields)), token("Une phrase.", "1.1"), done())

    await ask(page)

    await expect(page.locator(".notice.sample")).to_have_text("Exemple rédigé pour la démonstration, non officiel")
    await expect(page.locator(".tag")).to_have_text("exemple non officiel")
    await expect(page.locator(".out a")).to_contain_text("Vérifier sur la page officielle")


async def test_each_sentence_appears_when_it_is_released(page: Page, orchestrator: FakeOrchestrator) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), status("checking"), token("La première. "), go_on, token("La seconde."), done())

    await ask(page)

    await expect(page.locator(".sentence")).to_have_text(["La première.vérifié"])
    await expect(page.locator(".status")).to_have_text("Vérification des phrases")
    go_on.set()
    await expect(page.locator(".sentence")).to_have_count(2)


async def test_an_answer_can_be_stopped(page: Page, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(meta(), token("Une phrase."), asyncio.Event())
    await ask(page)
    await expect(page.locator(".sentence")).to_be_visible()

    await page.get_by_role("button", name="Arrêter").click()

    await expect(page.locator(".ending")).to_have_text("Réponse arrêtée.")
    assert orchestrator.stopped == [orchestrator.asked[0].message_id]
    await expect(page.get_by_role("button", name="Envoyer")).to_be_visible()


async def test_a_lost_connection_is_taken_up_where_it_broke_off(
    browser: Browser, gateway: RunningGateway, orchestrator: FakeOrchestrator
) -> None:
    go_on = asyncio.Event()
    orchestrator.play(meta(), token("La première. "), go_on, token("La seconde."), done())

    async with breakable(gateway.url) as (url, cut), opened(browser, url) as page:
        await ask(page)
        await expect(page.locator(".sentence")).to_have_count(1)
        cut()
        await asyncio.wait_for(orchestrator.left.wait(), 10)
        go_on.set()

        await expect(page.locator(".foot")).to_be_visible()
        await expect(page.locator(".sentence")).to_have_text(["La première.vérifié", "La seconde.vérifié"])
    assert [request.after_sequence for request in orchestrator.read] == [2]
    assert len(orchestrator.asked) == 1


async def test_a_failure_can_be_tried_again(page: Page, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(Break(grpc.StatusCode.UNAVAILABLE))
    await ask(page)
    await expect(page.get_by_role("alert")).to_contain_text("momentanément indisponible")
    orchestrator.play(*short_answer())

    await page.get_by_role("button", name="Réessayer").click()

    await expect(page.locator(".foot")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(1)
    assert [request.query for request in orchestrator.asked] == ["Une question ?"] * 2
    assert orchestrator.asked[0].message_id != orchestrator.asked[1].message_id


async def test_an_opinion_reaches_the_orchestrator(page: Page, orchestrator: FakeOrchestrator) -> None:
    await ask(page)

    thumb = page.get_by_role("button", name="Réponse à améliorer")
    await thumb.click()

    await expect(page.locator(".thanks")).to_have_text("Merci de votre avis.")
    await expect(thumb).to_have_attribute("aria-pressed", "true")
    assert [opinion.score for opinion in orchestrator.feedback] == ["down"]


async def test_a_conversation_goes_on_until_a_new_one_is_begun(page: Page, orchestrator: FakeOrchestrator) -> None:
    for count in (1, 2):
        await ask(page)
        await expect(page.locator(".foot")).to_have_count(count)
    await page.get_by_role("button", name="Nouvelle conversation").click()
    await expect(page.locator(".turn")).to_have_count(0)
    await ask(page)
    await expect(page.locator(".foot")).to_have_count(1)

    first, second, third = orchestrator.asked
    assert first.thread_id == second.thread_id != third.thread_id
    assert [request.new_thread for request in orchestrator.asked] == [True, False, True]


async def test_a_new_conversation_ends_the_answer_under_way(page: Page, orchestrator: FakeOrchestrator) -> None:
    orchestrator.play(meta(), token("Une phrase."), asyncio.Event())
    await ask(page)
    await expect(page.locator(".sentence")).to_be_visible()
    await page.get_by_role("button", name="Nouvelle conversation").click()
    await expect(page.get_by_role("button", name="Envoyer")).to_be_visible()
    orchestrator.play(*short_answer())
    await ask(page)
    await expect(page.locator(".foot")).to_be_visible()

    await expect(page.locator(".turn")).to_have_count(1)
    assert orchestrator.stopped == [orchestrator.asked[0].message_id]
    assert [request.new_thread for request in orchestrator.asked] == [True, True]


async def test_an_answer_to_a_question_back_is_one_click(page: Page, orchestrator: FakeOrchestrator) -> None:
    asked_back = pb.ClarifyingQuestion(slot="s", question="Lequel ?", why="Cela change tout.", options=["Un", "Deux"])
    orchestrator.play(meta(), clarification(asked_back), done("clarification"))
    await ask(page)
    await expect(page.locator(".foot")).to_be_visible()

    await page.get_by_role("button", name="Deux").click()

    await expect(page.locator(".foot")).to_have_count(2)
    assert orchestrator.asked[1].query == "Deux"
    assert orchestrator.asked[1].new_thread is False


async def test_the_nationality_that_was_chosen_goes_along(page: Page, orchestrator: FakeOrchestrator) -> None:
    await page.get_by_label("Nationalité").select_option(label="Algérie")

    await ask(page)

    await expect(page.locator(".foot")).to_be_visible()
    assert orchestrator.asked[0].user_nationality == "DZ"


async def test_every_country_has_a_name(page: Page) -> None:
    options = page.locator("#nationality option:not([value=''])")
    names = await options.all_text_contents()
    codes = [await option.get_attribute("value") for option in await options.all()]

    assert [name for name, code in zip(names, codes, strict=True) if name == code] == []


@pytest.mark.parametrize(
    ("code", "direction", "word"),
    [
        ("en", "ltr", "New conversation"),
        ("es", "ltr", "Nueva conversación"),
        ("pt", "ltr", "Nova conversa"),
        ("vi", "ltr", "Cuộc trò chuyện mới"),
        ("ar", "rtl", "محادثة جديدة"),
    ],
)
async def test_the_page_speaks_the_language_that_is_chosen_and_remembers_it(
    page: Page, orchestrator: FakeOrchestrator, code: str, direction: str, word: str
) -> None:
    await ask(page)
    await expect(page.locator(".foot")).to_be_visible()

    await page.locator("#language").select_option(code)

    await expect(page.get_by_role("button", name=word)).to_be_visible()
    await expect(page.locator(".verdict").first).not_to_have_text("citation")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", code)
    await expect(page.locator("html")).to_have_attribute("dir", direction)
    await expect(page.get_by_role("button", name=word)).to_be_visible()


async def test_enter_sends_and_shift_enter_breaks_the_line(page: Page, orchestrator: FakeOrchestrator) -> None:
    field = page.locator("#query")
    await expect(field).to_be_focused()

    await page.keyboard.type("Une ligne")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("une autre")
    await page.keyboard.press("Enter")

    await expect(page.locator(".foot")).to_be_visible()
    await expect(field).to_be_focused()
    assert orchestrator.asked[0].query == "Une ligne\nune autre"


async def test_the_whole_page_works_by_keyboard(page: Page, orchestrator: FakeOrchestrator) -> None:
    await ask(page)
    await expect(page.locator(".foot")).to_be_visible()

    await page.locator(".citation").focus()
    await page.keyboard.press("Enter")

    await expect(page.locator(".quotation")).to_be_visible()
    reached = []
    for _ in range(6):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert reached[:4] == ["A", "SUMMARY", "thumb up", "thumb down"]


async def test_where_a_key_is_needed_the_page_asks_for_it_and_keeps_it_in_the_tab(
    browser: Browser, orchestrator: FakeOrchestrator, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"maya {hashlib.sha256(b'key-of-maya').hexdigest()}")

    async with (
        orchestrator.running() as address,
        running_gateway(address, api_keys_file=keys) as gateway,
        opened(browser, f"{gateway.url}/") as page,
    ):
        await ask(page)
        dialog = page.get_by_role("dialog")
        await page.locator("#key").fill("wrong")
        await dialog.get_by_role("button", name="Continuer").click()
        await expect(dialog.get_by_role("alert")).to_have_text("Cette clé n’est pas reconnue.")
        await page.locator("#key").fill("key-of-maya")
        await page.keyboard.press("Enter")

        await expect(page.locator(".foot")).to_be_visible()
        assert await page.evaluate("sessionStorage.getItem('marianne.key')") == "key-of-maya"
        assert await page.evaluate("Object.keys(localStorage)") == []
        await ask(page)
        await expect(page.locator(".foot")).to_have_count(2)


async def test_the_reference_of_the_api_shows_routes_and_events(browser: Browser, gateway: RunningGateway) -> None:
    page = await browser.new_page()
    await page.goto(f"{gateway.url}/docs")

    await expect(page.locator("#routes summary code").first).to_have_text("POST /chat/stream")
    await expect(page.locator("#events")).to_contain_text("withheld")
    await expect(page.locator("#example")).to_contain_text("event: done")
    await page.close()


async def test_nothing_is_wider_than_a_small_phone(page: Page, orchestrator: FakeOrchestrator) -> None:
    steps: list[Step] = [meta(), sources(source(1, "x" * 300, title="y" * 300, url=f"https://example.org/{'z' * 300}"))]
    orchestrator.play(*steps, token("w" * 300, "1.1"), done())
    await page.set_viewport_size({"width": 320, "height": 640})

    await ask(page, "v" * 300)
    await page.locator(".citation").click()

    await expect(page.locator(".foot")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320


@contextlib.asynccontextmanager
async def breakable(url: str) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """The gateway through a line that can be cut: every connection of that moment breaks off, later ones stand."""
    target = urlsplit(url)
    open_lines: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        open_lines.update((writer, far_writer))
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        open_lines.difference_update((writer, far_writer))

    def cut() -> None:
        for line in open_lines:
            line.transport.abort()

    async with await asyncio.start_server(carry, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/", cut
        cut()
