package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands in a mail, whatever a provider has sent, and which settings of mails stop the start. */
final class MailTextTest {
    private static final Timestamp NOON = Timestamp.from(Instant.parse("2026-07-01T12:00:00Z"));

    private static Settings settings(String... keysAndValues) {
        Map<String, String> given = new HashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            given.put(keysAndValues[i], keysAndValues[i + 1]);
        }
        return MailServerTest.settings(given);
    }

    private static MailComposer alertMail(Settings settings) {
        return new MailComposer(settings, new Recipients(settings), Clock.systemUTC());
    }

    private static Map<String, Object> row(String taskId, String reason) {
        Map<String, Object> row = new HashMap<>();
        row.put("task_id", taskId);
        row.put("task_type", "videoEnhancer");
        row.put("status", "2");
        row.put("failure_reason", reason);
        row.put("created_at", NOON);
        return row;
    }

    private static MimeMessage mail(Settings settings, String kind, Map<String, Object> row) throws Exception {
        return mail(settings, kind, List.of(row), List.of());
    }

    private static MimeMessage mail(
            Settings settings, String kind, List<Map<String, Object>> rows, List<Map<String, Object>> files)
            throws Exception {
        Map<String, Object> mail = new HashMap<>();
        mail.put("mail_id", "<one@callboard>");
        mail.put("kind", kind);
        mail.put("provider", "fotor");
        Map<String, Object> total = Map.of(
                "alerts",
                (long) rows.size(),
                "tasks",
                rows.get(0).get("task_id") == null ? 0L : (long) rows.size(),
                "completed",
                0L,
                "since",
                NOON,
                "until",
                NOON);
        MimeMessage message =
                alertMail(settings).compose(mail, new Recipients(settings).everybody(), total, List.of(), rows, files);
        // As a mail program gets it.
        return new MimeMessage(null, new java.io.ByteArrayInputStream(bytes(message)));
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
    void letsNothingHostileOutOfItsPlace(String hostile) throws Exception {
        Map<String, Object> row = row(hostile, hostile);
        for (String name : List.of("task_type", "business_id", "status")) {
            row.put(name, hostile);
        }
        for (String kind : Recipients.KINDS) {
            MimeMessage mail = mail(settings(), kind, row);
            assertThat(mail.getHeader("Bcc")).isNull();
            assertThat(mail.getHeader("To")).containsExactly("ops@localhost");
            assertThat(mail.getSubject()).hasSizeLessThanOrEqualTo(120).doesNotContainPattern("[\\p{Cc}\\p{Cf}]");
            assertThat(TestMails.html(mail)).doesNotContain("<script").doesNotContain("src=");
            assertThat(TestMails.text(mail)).doesNotContain("\nBcc");
            // Nothing in it is evaluated.
            assertThat(TestMails.text(mail)).doesNotContain(System.getProperty("user.dir"));
        }
    }

    @Test
    void keepsEachLineAndTheSubjectShort() throws Exception {
        Map<String, Object> row = row("t".repeat(200), "reason ".repeat(500));
        MimeMessage mail = mail(settings(), "failed", row);
        assertThat(mail.getSubject()).hasSizeLessThanOrEqualTo(120).startsWith("Fotor: task failed, reason reason");
        assertThat(mail.getSubject()).hasSizeGreaterThan(110);
        assertThat(new String(bytes(mail), StandardCharsets.US_ASCII).lines())
                .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(78));
    }

    @Test
    void bringsInternationalTextAndEmojiOutRight() throws Exception {
        String reason = "提示词不合规 – Ungültig: «été» 🎬👩‍🎤 ".repeat(5).strip();
        Map<String, Object> row = row("Aufgabe-ß", reason);
        row.put("details", "{\"Prompt\": \"" + reason + "\"}");
        MimeMessage mail = mail(settings(), "failed", row);
        assertThat(TestMails.text(mail))
                .contains("Fotor says that a task has failed: " + reason)
                .contains("Prompt: " + reason);
        assertThat(TestMails.html(mail)).contains(reason);
        assertThat(mail.getSubject()).contains("提示词不合规 – Ungültig: «été» 🎬👩‍🎤");
        assertThat(new String(bytes(mail), StandardCharsets.ISO_8859_1).chars()).allMatch(c -> c < 128);
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
    void linksOnlyToAddressesOfTheWebAndShowsThemInFull(String url, boolean linked) throws Exception {
        Map<String, Object> file = Map.of("task_id", "one", "kind", "video", "url", url, "flagged", true);
        MimeMessage mail = mail(settings(), "flagged", List.of(row("one", null)), List.of(file));
        assertThat(TestMails.text(mail)).contains("File:      " + url + " (video)\n");
        assertThat(TestMails.html(mail).contains("<a href=")).isEqualTo(linked);
        assertThat(TestMails.html(mail)).doesNotContain("<img");
    }

    @Test
    void tellsTimesInTheTimeZoneOfTheSettings() throws Exception {
        assertThat(TestMails.text(mail(settings(), "failed", row("one", null))))
                .contains("When:      2026-07-01 12:00:00 UTC");
        Settings berlin = settings("callboard.alerts.time-zone", "Europe/Berlin");
        assertThat(TestMails.text(mail(berlin, "failed", row("one", null)))).contains("2026-07-01 14:00:00 CEST");
    }

    @Test
    void writesATaskIntoAnAddressThatCanBePastedIntoAShell() throws Exception {
        assertThat(TestMails.text(mail(settings(), "failed", row("$(reboot) ../é", null))))
                .contains("curl http://127.0.0.1:9876/tasks/fotor/%24%28reboot%29%20..%2F%C3%A9\n");
    }

    @Test
    void listsWhoWasRefused() throws Exception {
        Map<String, Object> row = new HashMap<>();
        row.put("detail", "203.0.113.7: 12 times\n198.51.100.1: once\r\n\u202e");
        row.put("created_at", NOON);
        assertThat(TestMails.text(mail(settings(), "refused", row)))
                .contains("callboard.fotor.allowed-sources")
                .contains("  203.0.113.7: 12 times\n  198.51.100.1: once\n")
                .doesNotContain("Task:");
    }

    @Test
    void asksForNoAutomaticAnswer() throws Exception {
        MimeMessage mail = mail(settings(), "failed", row("one", null));
        assertThat(mail.getHeader("Auto-Submitted")).containsExactly("auto-generated");
        assertThat(mail.getMessageID()).isEqualTo("<one@callboard>");
    }

    @Test
    void takesTheTemplatesOfAFolderInPlaceOfItsOwn(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("subject.mustache"), "{{provider}} sagt: {{count}} kaputt ✂");
        MimeMessage mail = mail(settings("callboard.mail.templates", folder.toString()), "failed", row("one", null));
        assertThat(mail.getSubject()).isEqualTo("fotor sagt: 1 kaputt ✂");
        assertThat(TestMails.text(mail)).startsWith("Fotor says that a task has failed");
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
                "callboard.alerts.to                 | nobody            |",
                "callboard.alerts.to                 | a@b.test, c@      |",
                "callboard.alerts.to                 | müller@b.test     |",
                "callboard.alerts.to                 | none              |",
                "callboard.alerts.from               | a@b.test, c@d.test|",
                "callboard.alerts.kind.flagged.to    | trust             |",
                "callboard.alerts.kind.flaged.to     | none              |",
                "callboard.alerts.provider.fotor.to  | x y@example.test  |",
                "callboard.alerts.provider.nobody.to | a@example.test    |",
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
        assertThatThrownBy(() -> alertMail(settings(given.toArray(new String[0]))))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(key + ": ");
    }

    @Test
    void asksTheKindBeforeTheProviderBeforeTheDefault() {
        Recipients recipients = new Recipients(settings(
                "callboard.alerts.to", "all@x.test",
                "callboard.alerts.provider.fotor.to", "Fotor Team <fotor@x.test>, second@x.test",
                "callboard.alerts.kind.flagged.to", "trust@x.test",
                "callboard.alerts.kind.unknown.to", "none"));
        assertThat(recipients.of("failed", "creatify"))
                .extracting(Object::toString)
                .containsExactly("all@x.test");
        assertThat(recipients.of("failed", "fotor")).hasSize(2);
        assertThat(recipients.of("flagged", "fotor"))
                .extracting(Object::toString)
                .containsExactly("trust@x.test");
        assertThat(recipients.of("unknown", "fotor")).isEmpty();
        assertThat(recipients.of("undelivered", "fotor")).hasSize(4);
        assertThat(recipients.hasOthers("all@x.test")).isTrue();
        assertThat(recipients.hasOthers("all@x.test,fotor@x.test,second@x.test,trust@x.test"))
                .isFalse();
    }

    @Test
    void writesAFileWholeForItsOwnerAloneUnderANameThatSortsByTime(@TempDir Path folder) throws Exception {
        Path directory = folder.resolve("data/mail");
        for (String time : List.of("2026-07-01T12:00:00.009Z", "2026-07-01T12:00:00.010Z", "2026-10-01T00:00:00Z")) {
            Clock clock = Clock.fixed(Instant.parse(time), java.time.ZoneOffset.UTC);
            new EmlDirectory(directory, clock).send(mail(settings(), "failed", row(time, null)));
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
    void leavesNoHalfFileIfAMailCannotBeWritten(@TempDir Path folder) throws Exception {
        MimeMessage broken = new MimeMessage((jakarta.mail.Session) null) {
            @Override
            public void writeTo(java.io.OutputStream out) throws java.io.IOException {
                out.write(1);
                throw new java.io.IOException("the disk is full");
            }
        };
        broken.setHeader("Message-ID", "<one@callboard>");
        assertThatThrownBy(() -> new EmlDirectory(folder, Clock.systemUTC()).send(broken))
                .hasMessageContaining("can't write to callboard.mail.directory");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
