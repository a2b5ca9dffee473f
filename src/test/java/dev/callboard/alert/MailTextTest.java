package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The content of mails, also with hostile values, and the settings of mails that prevent the start. */
final class MailTextTest {
    private static final Instant NOON = Instant.parse("2026-07-01T12:00:00Z");

    private static Settings settings(String... keysAndValues) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            given.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return MailServerTest.settings(given);
    }

    private static MailComposer composer(Settings settings) {
        return new MailComposer(settings, new Recipients(settings), Clock.systemUTC());
    }

    private static MailContent.Alert alert(String taskId, String reason) {
        return alert(taskId, reason, "videoEnhancer", null, "2", null);
    }

    private static MailContent.Alert alert(
            String taskId, String reason, String taskType, String businessId, String status, String details) {
        return new MailContent.Alert(
                taskId,
                taskType,
                businessId,
                status,
                reason,
                List.of(),
                null,
                details,
                NOON,
                null,
                false,
                "failed",
                NOON,
                null);
    }

    private static MimeMessage mail(Settings settings, String kind, MailContent.Alert alert) throws Exception {
        return mail(settings, kind, List.of(alert), List.of());
    }

    private static MimeMessage mail(
            Settings settings, String kind, List<MailContent.Alert> alerts, List<MailContent.File> files)
            throws Exception {
        long tasks = alerts.stream().filter(alert -> alert.taskId() != null).count();
        MailContent.Missed missed = new MailContent.Missed(2, new RequestCounts.Counts(NOON, 1_400, 3));
        MailContent.Recovered recovered = new MailContent.Recovered(2, List.of("x\r\n<script>", "y"));
        MailContent content = new MailContent(
                alerts.size(), tasks, 0, NOON, NOON, List.of(), alerts, files, recovered, Optional.of(missed));
        MimeMessage message = composer(settings)
                .compose(new LeasedMail(
                        "<one@callboard>",
                        "<one@callboard>",
                        Channel.MAIL,
                        "fotor",
                        kind,
                        "<one@callboard>",
                        null,
                        UUID.randomUUID(),
                        1,
                        false,
                        List.of(),
                        new Recipients(settings).all(),
                        content,
                        () -> {}));
        // As a mail program gets it.
        return new MimeMessage(null, new ByteArrayInputStream(bytes(message)));
    }

    private static byte[] bytes(MimeMessage mail) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        mail.writeTo(out);
        return out.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\r\nBcc: everybody@example.org",
                "x\r\n\r\n<script>alert(1)</script>",
                "\u202egnp.exe\u2066\u200b",
                "=?utf-8?q?=0d=0aBcc:_everybody@example.org?=",
                "{{#failed}}{{provider}}{{/failed}} ${body} ${sys.user.dir}",
                "\u0000\u0007\u2028\u2029"
            })
    void escapesHostileValues(String hostile) throws Exception {
        MailContent.Alert alert = new MailContent.Alert(
                hostile,
                hostile,
                hostile,
                hostile,
                hostile,
                List.of(hostile),
                hostile,
                null,
                NOON,
                null,
                false,
                hostile,
                NOON,
                NOON);
        for (String kind : kindsAndAnother()) {
            MimeMessage mail = mail(settings(), kind, alert);
            assertThat(mail.getHeader("Bcc")).isNull();
            assertThat(mail.getHeader("To")).containsExactly("ops@localhost");
            assertThat(mail.getSubject()).hasSizeLessThanOrEqualTo(120).doesNotContainPattern("[\\p{Cc}\\p{Cf}]");
            assertThat(TestMails.html(mail)).doesNotContain("<script").doesNotContain("src=");
            assertThat(TestMails.text(mail)).doesNotContain("\nBcc");
            // Nothing in it is evaluated.
            assertThat(TestMails.text(mail)).doesNotContain(System.getProperty("user.dir"));
        }
    }

    private static List<String> kindsAndAnother() {
        List<String> kinds = new ArrayList<>(AlertKind.codes());
        kinds.add("late_payment");
        return kinds;
    }

    @Test
    void keepsEachLineAndTheSubjectShort() throws Exception {
        MimeMessage mail = mail(settings(), "failed", alert("t".repeat(200), "reason ".repeat(500)));
        assertThat(mail.getSubject()).hasSizeLessThanOrEqualTo(120).startsWith("Fotor: task failed, reason reason");
        assertThat(mail.getSubject()).hasSizeGreaterThan(110);
        assertThat(new String(bytes(mail), StandardCharsets.US_ASCII).lines())
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(78));
    }

    @Test
    void showsInternationalTextAndEmoji() throws Exception {
        String reason = "提示词不合规 – Ungültig: «été» 🎬👩‍🎤 ".repeat(5).strip();
        MimeMessage mail = mail(
                settings(),
                "failed",
                alert("Aufgabe-ß", reason, "videoEnhancer", null, "2", "{\"Prompt\": \"" + reason + "\"}"));
        assertThat(TestMails.text(mail))
                .contains("Fotor could not finish a task: " + reason)
                .contains("Prompt:    " + reason);
        assertThat(TestMails.html(mail)).contains(reason);
        assertThat(mail.getSubject()).contains("提示词不合规 – Ungültig: «été» 🎬👩‍🎤");
        String sent = new String(bytes(mail), StandardCharsets.ISO_8859_1);
        assertThat(sent.chars()).allMatch(c -> c < 128);
        // RFC 2047, 2: of each line with an encoded word.
        assertThat(sent.lines().filter(line -> line.contains("=?UTF-8?")))
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(76));
    }

    @ParameterizedTest
    @CsvSource({
        "https://cdn.example.org/a.mp4?x=1&y=2, true",
        "HTTP://cdn.example.org/, true",
        "javascript:alert(1), false",
        "'data:text/html;base64,AAAA', false",
        "ftp://example.org/a, false",
        "https://bank.example@evil.example/, false",
        "'https://example.org/ onclick=x', false",
        "'https://example.org/\"><img src=x>', false",
        "https:///nothing, false"
    })
    void linksOnlyToHttpUrlsAndShowsThemInFull(String url, boolean linked) throws Exception {
        MailContent.File file = new MailContent.File("one", "video", url);
        MimeMessage mail = mail(settings(), "flagged", List.of(alert("one", null)), List.of(file));
        assertThat(TestMails.text(mail)).contains("File:      " + url + " (video)\n");
        assertThat(TestMails.html(mail).contains("<a href=")).isEqualTo(linked);
        assertThat(TestMails.html(mail)).doesNotContain("<img");
    }

    @Test
    void showsTimesInTheTimeZoneOfTheSettings() throws Exception {
        assertThat(TestMails.text(mail(settings(), "failed", alert("one", null))))
                .contains("When:      2026-07-01 12:00:00 UTC");
        Settings berlin = settings("callboard.alerts.time-zone", "Europe/Berlin");
        assertThat(TestMails.text(mail(berlin, "failed", alert("one", null)))).contains("2026-07-01 14:00:00 CEST");
    }

    @Test
    void writesATaskIdIntoAUrlThatCanBePastedIntoAShell() throws Exception {
        assertThat(TestMails.text(mail(settings(), "failed", alert("$(reboot) ../é", null))))
                .contains("curl http://127.0.0.1:9876/tasks/fotor/%24%28reboot%29%20..%2F%C3%A9\n");
    }

    @Test
    void listsRejectedCallers() throws Exception {
        MailContent.Alert alert = new MailContent.Alert(
                null,
                null,
                null,
                null,
                null,
                List.of(),
                "203.0.113.7: 12 times\n198.51.100.1: once\r\n\u202e",
                null,
                NOON,
                null,
                false,
                null,
                null,
                null);
        assertThat(TestMails.text(mail(settings(), "refused", alert)))
                .contains("callboard.fotor.allowed-sources")
                .contains("  203.0.113.7: 12 times\n  198.51.100.1: once\n")
                .doesNotContain("Task:");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "failed      | Fotor could not finish a task: it is dark     | order the task again",
                "no_result   | Fotor reports a task as completed, but sent no file. | order the task again",
                "incomplete  | Fotor reports a task as completed, but a part | Check which files arrived",
                "flagged     | Fotor completed a task and marked the result  | Look at the files",
                "unknown     | Fotor sent a status that Callboard does not know: 7 | to routes/fotor.camel.yaml",
                "refused     | Callers of Fotor's callback URL were rejected  | callboard.fotor.allowed-sources",
                "malformed   | A callback from Fotor was not accepted          | routes/fotor.schema.json",
                "malformed   | A callback from Fotor was not accepted          | curl -X POST http://127.0.0.1:9876/quarantine/replay",
                "quarantine_full | Invalid callbacks from Fotor were deleted  | curl -X DELETE 'http://127.0.0.1:9876/quarantine?provider=fotor'",
                "overdue     | Fotor has not reported the result of a task in time. | If Fotor does not know the task, order it again",
                "missed      | A look-up found a finished task of Fotor that no callback had announced; its callback came late. | callboard.fotor.allowed-sources",
                "lookup_refused | Fotor rejected the API key, so Callboard has stopped | Correct callboard.fotor.api-key, and callboard.fotor.api-id",
                "undelivered | Callboard could not deliver an alert or an event. | correct the address",
            })
    void beginsWithTheEventAndThenWhatToDo(String kind, String first, String toDo) throws Exception {
        MimeMessage mail = mail(settings(), kind, alert("one", "it is dark", "videoEnhancer", null, "7", null));
        List<String> lines = TestMails.text(mail).lines().toList();
        assertThat(lines.get(0)).startsWith(first);
        assertThat(lines.get(2)).startsWith("What to do: ").contains(toDo);
        // The same in HTML, but for its typographic apostrophes.
        String html = TestMails.html(mail).replaceAll("<[^>]*>", "").replace("’", "'");
        assertThat(html).contains(lines.get(0)).contains(lines.get(2).replace("`", ""));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Credits | Product                   | 'Credits:   1\nProduct:   2\n'",
                "Product | Image prompt              | 'Product:      1\nImage prompt: 2\n'",
                "Product | A label of many more words | 'Product:                1\nA label of many more words: 2\n'",
            })
    void alignsTheDetailsInPlainText(String one, String two, String lines) throws Exception {
        String details = "{\"%s\": 1, \"%s\": 2}".formatted(one, two);
        assertThat(TestMails.text(mail(settings(), "failed", alert("one", null, null, null, "2", details))))
                .contains("Status:    2\n" + lines);
    }

    @Test
    void namesTheOtherKindsOfTheSameCallback() throws Exception {
        MailContent.Alert alert = new MailContent.Alert(
                "one",
                null,
                null,
                "1",
                null,
                List.of("flagged", "late_payment"),
                null,
                null,
                NOON,
                null,
                false,
                "completed",
                NOON,
                null);
        assertThat(TestMails.text(mail(settings(), "incomplete", alert)))
                .contains("Also:      marked as harmful or sensitive\nAlso:      late payment\n");
    }

    @Test
    void namesAKindOfAUsersOwnRoute() throws Exception {
        MimeMessage mail = mail(settings(), "late_payment", alert("one", null));
        assertThat(mail.getSubject()).isEqualTo("Fotor: late payment (one, videoEnhancer)");
        assertThat(TestMails.text(mail))
                .startsWith(
                        "Fotor: late payment.\n\nThis alert is one of your own: routes/fotor.camel.yaml raises it as late_payment.")
                .contains("Task:      one");
        assertThat(new Recipients(settings()).of(AlertKind.of("late_payment"), "fotor"))
                .extracting(Object::toString)
                .containsExactly("ops@localhost");
    }

    @Test
    void saysWhatTheProviderAnswersAboutAnOverdueTask() throws Exception {
        Instant before = NOON.minusSeconds(3600);
        MailContent.Alert inProgress = overdue("in_progress", "video_generating", NOON.minusSeconds(60), before);
        assertThat(mail(settings(), "overdue", inProgress).getSubject())
                .isEqualTo("Fotor: task overdue, the provider does not know it (one, url_to_video)");
        assertThat(TestMails.text(mail(settings(), "overdue", inProgress)))
                .contains(
                        """
                        Task:      one
                        Status:    video_generating
                        Type:      url_to_video
                        Business:  order-7
                        Open:      since 2026-07-01 11:00:00 UTC, last change 2026-07-01 11:59:00 UTC
                        Answer:    the provider does not know it
                        When:      2026-07-01 12:00:00 UTC (when it became overdue)
                        """);
        assertThat(TestMails.text(mail(settings(), "overdue", overdue("expected", "expected", before, before))))
                .contains("Status:    no callback received yet\n", "Open:      since 2026-07-01 11:00:00 UTC\n");
        assertThat(TestMails.text(mail(settings(), "overdue", overdue("completed", "image_generated", NOON, before))))
                .doesNotContain("Now:");
        assertThat(TestMails.text(mail(settings(), "overdue", overdue("completed", "video_generated", NOON, null))))
                .contains("Now:       completed\n")
                .doesNotContain("Open:");
    }

    private static MailContent.Alert overdue(String outcome, String status, Instant changedAt, Instant openSince) {
        return new MailContent.Alert(
                "one",
                "url_to_video",
                "order-7",
                status,
                null,
                List.of(),
                "the provider does not know it",
                null,
                NOON,
                null,
                false,
                outcome,
                changedAt,
                openSince);
    }

    @Test
    void countsTheRequestsThatWereNotAcceptedBesideMissingCallbacks() throws Exception {
        MimeMessage mail = mail(settings(), "missed", List.of(alert("one", null), alert("two", null)), List.of());
        assertThat(mail.getSubject()).isEqualTo("Fotor: callbacks missing, look-ups found 2 tasks finished");
        assertThat(TestMails.text(mail))
                .startsWith("Look-ups found 2 finished tasks of Fotor that no callback had announced;"
                        + " the callbacks of 2 of them came late.\n")
                .contains(
                        """

                        Since 2026-07-01 12:00:00 UTC, this process has answered
                          1,400 x 403 at Fotor's callback URL (caller rejected)
                          3 x 503 on the public port (not accepted)

                        Since the last mail, 2 of the tasks in it have completed: x <script>, y

                        From 2026""");
        assertThat(TestMails.html(mail)).contains("have completed</strong>: x &lt;script&gt;, y</p>");
        assertThat(TestMails.text(mail(settings(), "failed", alert("one", null))))
                .doesNotContain("this process");
    }

    @Test
    void saysThatALookUpFoundIt() throws Exception {
        MailContent.Alert found = new MailContent.Alert(
                "one", null, null, "2", null, List.of(), null, null, NOON, null, true, "failed", NOON, null);
        assertThat(TestMails.text(mail(settings(), "failed", found)))
                .contains("When:      2026-07-01 12:00:00 UTC (when the look-up found it)\n");
    }

    @Test
    void asksForNoAutomaticReply() throws Exception {
        MimeMessage mail = mail(settings(), "failed", alert("one", null));
        assertThat(mail.getHeader("Auto-Submitted")).containsExactly("auto-generated");
        assertThat(mail.getMessageID()).isEqualTo("<one@callboard>");
    }

    @Test
    void prefersTheTemplatesOfAFolder(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("subject.mustache"), "{{provider}} sagt: {{count}} kaputt ✂");
        MimeMessage mail = mail(settings("callboard.mail.templates", folder.toString()), "failed", alert("one", null));
        assertThat(mail.getSubject()).isEqualTo("fotor sagt: 1 kaputt ✂");
        assertThat(TestMails.text(mail)).startsWith("Fotor could not finish a task");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{{#single}}never closed", "{{resaon}}", "{{first.nothing}}", "{{>other}}", "{{#a}}{{/b}}"})
    void doesNotStartWithATemplateThatIsBroken(String template, @TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("alert.txt.mustache"), template);
        assertThatThrownBy(() -> TestCallboard.start(Backend.H2, Map.of("callboard.mail.templates", folder.toString())))
                .isInstanceOf(StartException.class)
                .hasMessageContaining(folder.resolve("alert.txt.mustache").toString())
                .hasMessageNotContaining("\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "callboard.alerts.to                 | no-address        |",
                "callboard.alerts.to                 | a@b.test, c@      |",
                "callboard.alerts.to                 | müller@b.test     |",
                "callboard.alerts.to                 | none              |",
                "callboard.alerts.from               | a@b.test, c@d.test|",
                "callboard.alerts.kind.flagged.to    | trust             |",
                "callboard.alerts.kind.flaged.to     | none              |",
                "callboard.alerts.provider.fotor.to  | x y@example.test  |",
                "callboard.alerts.provider.other.to  | a@example.test    |",
                "callboard.alerts.interval           | 5                 |",
                "callboard.alerts.interval           | 0s                |",
                "callboard.alerts.interval           | 25h               |",
                "callboard.alerts.time-zone          | Mars/Olympus      |",
                "callboard.mail.templates            | no-such-folder    |",
                "callboard.mail.username             | me                | callboard.mail.security=none callboard.mail.host=localhost",
                "callboard.alerts.to                 | ops@localhost     | callboard.mail.host=smtp.example.test",
                "callboard.alerts.from               | me@localhost      | callboard.mail.host=smtp.example.test callboard.alerts.to=a@b.test",
            })
    void doesNotStartWithASettingThatIsWrong(String key, String value, String others) {
        List<String> given = new ArrayList<>(List.of(key, value));
        Stream.of(others == null ? new String[0] : others.split(" ", -1))
                .forEach(other -> given.addAll(List.of(other.split("=", 2))));
        assertThatThrownBy(() -> composer(settings(given.toArray(new String[0]))))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(key + ": ");
    }

    @Test
    void prefersTheRecipientsOfTheKindToThoseOfTheProviderToTheDefault() {
        Recipients recipients = new Recipients(settings(
                "callboard.alerts.to", "all@x.test",
                "callboard.alerts.provider.fotor.to", "Fotor Team <fotor@x.test>, second@x.test",
                "callboard.alerts.kind.flagged.to", "trust@x.test",
                "callboard.alerts.kind.unknown.to", "none"));
        assertThat(recipients.of(AlertKind.FAILED, "creatify"))
                .extracting(Object::toString)
                .containsExactly("all@x.test");
        assertThat(recipients.of(AlertKind.FAILED, "fotor")).hasSize(2);
        assertThat(recipients.of(AlertKind.FLAGGED, "fotor"))
                .extracting(Object::toString)
                .containsExactly("trust@x.test");
        assertThat(recipients.of(AlertKind.UNKNOWN, "fotor")).isEmpty();
        assertThat(recipients.of(AlertKind.UNDELIVERED, "fotor")).hasSize(4);
        assertThat(recipients.hasOthers(Set.of("all@x.test"))).isTrue();
        assertThat(recipients.hasOthers(Set.of("all@x.test", "fotor@x.test", "second@x.test", "trust@x.test")))
                .isFalse();
    }

    @Test
    void writesAFileThatOnlyItsOwnerCanReadUnderANameThatSortsByTime(@TempDir Path folder) throws Exception {
        Path directory = folder.resolve("data/mail");
        for (String time : List.of("2026-07-01T12:00:00.009Z", "2026-07-01T12:00:00.010Z", "2026-10-01T00:00:00Z")) {
            Clock clock = Clock.fixed(Instant.parse(time), java.time.ZoneOffset.UTC);
            new EmlFileSender(directory, clock).send(mail(settings(), "failed", alert(time, null)));
        }
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> sorted = files.sorted().toList();
            assertThat(sorted).hasSize(3).allSatisfy(file -> {
                assertThat(file.toString()).endsWith(".eml");
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .isEqualTo("rw-------");
            });
            assertThat(Files.readString(sorted.get(2))).contains("2026-10-01T00");
        }
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
                .isEqualTo("rwx------");
    }

    @Test
    void leavesNoIncompleteFileIfAMailCannotBeWritten(@TempDir Path folder) throws Exception {
        MimeMessage broken = new MimeMessage((jakarta.mail.Session) null) {
            @Override
            public void writeTo(java.io.OutputStream out) throws java.io.IOException {
                out.write(1);
                throw new java.io.IOException("the disk is full");
            }
        };
        broken.setHeader("Message-ID", "<one@callboard>");
        assertThatThrownBy(() -> new EmlFileSender(folder, Clock.systemUTC()).send(broken))
                .hasMessageContaining("can't write to callboard.mail.directory");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
