package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetup;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.Header;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The mails that a mail server receives, and the retries while none accepts them. */
final class MailTest {
    private static GreenMail server;
    private static TestCallboard callboard;

    @BeforeAll
    static void start() throws IOException {
        int port = TestCallboard.freePort();
        server = startServer(port);
        callboard = TestCallboard.start(Backend.H2, mailTo(port));
    }

    @AfterAll
    static void stop() {
        callboard.close();
        server.stop();
    }

    @Test
    void mailsAFailureWithinTwoSecondsOfTheAnswer() throws Exception {
        String id = UUID.randomUUID().toString();

        fail(callboard, id);

        MimeMessage mail = received(server, id, Duration.ofSeconds(2));
        assertThat(mail.getSubject()).contains(id);
        assertThat(mail.getFrom()).extracting(Object::toString).containsExactly("callboard@localhost");
        assertThat(mail.getRecipients(Message.RecipientType.TO))
                .extracting(Object::toString)
                .containsExactly("one@x.example", "two@x.example");
        assertThat(mail.getContentType()).startsWith("multipart/alternative");
        MimeMultipart parts = (MimeMultipart) mail.getContent();
        assertThat(parts.getCount()).isEqualTo(2);
        assertThat(parts.getBodyPart(0).getContentType()).startsWith("text/plain");
        assertThat(parts.getBodyPart(1).getContentType()).startsWith("text/html");
        assertThat(TestMails.text(mail)).contains(id);
        assertThat(TestMails.html(mail)).contains(id);
        Awaitility.await().untilAsserted(() -> assertThat(callboard.rows(
                        "SELECT mail.* FROM alert JOIN mail ON mail.mail_id = alert.mail_id"
                                + " WHERE alert.task_id = ?",
                        id))
                .singleElement()
                .satisfies(sent -> assertThat(sent)
                        .containsEntry("mail_id", mail.getMessageID())
                        .containsEntry("state", "sent")
                        .doesNotContainEntry("sent_at", null)));
    }

    @Test
    void retriesUntilTheServerIsBack() throws Exception {
        int port = TestCallboard.freePort();
        String id = UUID.randomUUID().toString();
        SettableClock clock = new SettableClock();
        try (TestCallboard waiting = TestCallboard.start(Backend.H2, mailTo(port), clock)) {
            fail(waiting, id);
            Object mailId = awaitFailure(waiting, id).get("mail_id");

            GreenMail late = startServer(port);
            clock.advance(Duration.ofSeconds(5));
            try {
                assertThat(received(late, id, Duration.ofSeconds(30)).getMessageID())
                        .as("the same on each attempt")
                        .isEqualTo(mailId);
            } finally {
                late.stop();
            }
        }
    }

    @Test
    void sendsAPendingMailAfterARestart() throws Exception {
        int port = TestCallboard.freePort();
        String id = UUID.randomUUID().toString();
        TestCallboard restarted = TestCallboard.start(Backend.H2, mailTo(port));
        fail(restarted, id);
        Object mailId = awaitFailure(restarted, id).get("mail_id");
        restarted.close();

        GreenMail late = startServer(port);
        restarted.startAgain();
        try (restarted) {
            assertThat(received(late, id, Duration.ofSeconds(30)).getMessageID())
                    .isEqualTo(mailId);
        } finally {
            late.stop();
        }
    }

    @Test
    void addsNoHeaderAndNoHtmlFromAValue() throws Exception {
        String mark = UUID.randomUUID().toString();
        String id = mark + " \uD83D\uDE00 \\\"></td></table><script>alert(1)</script>{{x}}${body}";
        String lines = "a\\r\\nBcc: evil@x.example\\r\\n\\r\\n<h1>b</h1>\\u2028Bcc: evil@x.example\\u202e";

        assertThat(callboard
                        .post(
                                "fotor?To=evil@x.example&Bcc=evil@x.example&Subject=evil&mail.smtp.host=evil",
                                "{\"taskId\": \"" + id + "\", \"status\": 2, \"businessId\": \"" + lines
                                        + "\", \"type\": \"" + "<b>\uD83D\uDE00".repeat(1250) + "\"}",
                                "To",
                                "evil@x.example",
                                "Bcc",
                                "evil@x.example",
                                "Subject",
                                "evil")
                        .statusCode())
                .isEqualTo(200);

        MimeMessage mail = received(server, mark, Duration.ofSeconds(10));
        assertThat(mail.getAllRecipients())
                .extracting(Object::toString)
                .containsExactly("one@x.example", "two@x.example");
        assertThat(Collections.list(mail.getAllHeaders()))
                .extracting(Header::getName)
                .doesNotContain("Bcc", "Cc")
                .doesNotHaveDuplicates();
        assertThat(Collections.list(mail.getAllHeaders()))
                .filteredOn(header -> !header.getName().equals("Received"))
                .extracting(Header::getValue)
                .noneMatch(value -> value.contains("evil"));
        assertThat(mail.getSubject()).contains(mark, "\uD83D\uDE00").hasSizeLessThan(200);
        String html = TestMails.html(mail);
        assertThat(html).contains(mark).doesNotContain("<script", "<h1", "<b>");
        assertThat(html.split("<table", -1)).hasSameSizeAs(html.split("</table", -1));
        assertThat(html).hasSizeLessThan(20_000);
        assertThat(TestMails.text(mail).lines()).noneMatch(line -> line.startsWith("Bcc"));
        assertThat(TestMails.text(mail)).contains("\uD83D\uDE00").doesNotContain("\u202e", "\u2028");
    }

    private static GreenMail startServer(int port) {
        GreenMail greenMail = new GreenMail(new ServerSetup(port, "127.0.0.1", ServerSetup.PROTOCOL_SMTP));
        greenMail.start();
        return greenMail;
    }

    private static Map<String, String> mailTo(int port) {
        Map<String, String> settings = new HashMap<>();
        settings.put("callboard.mail.host", "127.0.0.1");
        settings.put("callboard.mail.port", String.valueOf(port));
        settings.put("callboard.mail.security", "none");
        settings.put("callboard.alerts.to", "one@x.example, two@x.example");
        return settings;
    }

    private static void fail(TestCallboard callboard, String id) {
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"" + id + "\", \"status\": 2}")
                        .statusCode())
                .isEqualTo(200);
    }

    /** The mail about a task once an attempt has failed. */
    private static Map<String, Object> awaitFailure(TestCallboard callboard, String id) {
        return Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(
                        () -> callboard.rows(
                                "SELECT mail.mail_id, mail.last_error, mail.lease_id FROM mail"
                                        + " JOIN alert ON alert.mail_id = mail.mail_id WHERE alert.task_id = ?",
                                id),
                        mails -> mails.size() == 1
                                && mails.get(0).get("last_error") != null
                                && mails.get(0).get("lease_id") == null)
                .get(0);
    }

    private static MimeMessage received(GreenMail server, String mark, Duration within) {
        List<MimeMessage> mails = Awaitility.await()
                .atMost(within)
                .pollInterval(Duration.ofMillis(50))
                .until(
                        () -> List.of(server.getReceivedMessages()).stream()
                                .filter(mail -> TestMails.text(mail).contains(mark))
                                .toList(),
                        found -> !found.isEmpty());
        assertThat(mails.stream().map(MailTest::messageId).distinct())
                .as("one mail, once to each address")
                .hasSize(1);
        return mails.get(0);
    }

    private static String messageId(MimeMessage mail) {
        try {
            return mail.getMessageID();
        } catch (MessagingException e) {
            throw new IllegalStateException(e);
        }
    }
}
