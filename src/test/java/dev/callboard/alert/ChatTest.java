package dev.callboard.alert;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.HostileMailServer.Stage;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.WebhookReceiver;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Alerts to the chat beside mails, in the running application: neither waits for the other. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ChatTest {
    private final SettableClock clock = new SettableClock();

    private static String newProvider() {
        return "p" + UUID.randomUUID().toString().replace("-", "").substring(0, 20);
    }

    private static TestCallboard start(Backend backend, Map<String, String> settings, SettableClock clock) {
        return TestCallboard.start(backend, settings, clock);
    }

    /** The mails of a provider about failures by channel, once no attempt of the channel is under way. */
    private static Map<String, Object> attempted(TestCallboard callboard, String provider, String channel) {
        return soon().until(
                        () -> callboard.rows(
                                "SELECT * FROM mail WHERE provider = ? AND channel = ? AND kind = 'failed'"
                                        + " AND attempts > 0 AND lease_id IS NULL",
                                provider,
                                channel),
                        rows -> !rows.isEmpty())
                .get(0);
    }

    private static List<String> recipients(TestCallboard callboard, String provider) {
        return callboard
                .rows(
                        "SELECT address, recipient.state FROM mail_recipient recipient"
                                + " JOIN mail ON mail.mail_id = recipient.mail_id"
                                + " WHERE provider = ? AND kind = 'failed' ORDER BY address",
                        provider)
                .stream()
                .map(row -> row.get("address") + " " + row.get("state"))
                .toList();
    }

    private static HttpResponse<String> testMail(TestCallboard callboard) {
        return TestCallboard.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + "/mails/test"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build());
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void sendsEachAlertToTheChatAndByMail(Backend backend) throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                Logged log = new Logged();
                TestCallboard callboard = start(backend, chat.settings("slack"), clock)) {
            assertThat(log.lines("Mails: ")).singleElement().asString().endsWith("; chat at localhost, slack");
            assertThat(callboard
                            .post("fotor", TestCallboard.payload("fotor-video-failed"))
                            .statusCode())
                    .isEqualTo(200);
            soon().until(() -> chat.posted().size() == 1 && callboard.mails().size() == 1);
            assertThat(chat.posted().get(0).path()).isEqualTo("POST " + WebhookReceiver.SECRET_PATH);
            assertThat(chat.posted().get(0).headers())
                    .containsEntry("Content-type", "application/json")
                    .doesNotContainKeys("Camelhttpuri", "Cookie");
            assertThat(chat.posted().get(0).body()).contains("\"text\":\"Fotor: task failed");
            attempted(callboard, "fotor", "webhook");
            attempted(callboard, "fotor", "mail");
            assertThat(recipients(callboard, "fotor")).containsExactly("ops@example.test accepted", "webhook accepted");
            String mails = callboard.manage("/mails").body();
            assertThat(mails).contains("\"channel\":\"webhook\"", "\"recipients\":\"webhook\"", "\"alerts\":1");
            callboard.run("count-alerts");
            assertThat(callboard.manage("/observe/metrics").body())
                    .contains(
                            "callboard_alerts_sent_total 1.0",
                            "callboard_alerts_chat_sent_total 1.0",
                            "callboard_alerts_pending 0.0",
                            "callboard_alerts_undeliverable 0.0");
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void gathersLaterAlertsIntoADigest(Backend backend) throws Exception {
        String provider = newProvider();
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(backend, chat.settings("json"), clock)) {
            Failures.record(callboard, provider, 0, 1, i -> "first");
            soon().until(() -> chat.posted().size() == 1);
            attempted(callboard, provider, "mail");
            attempted(callboard, provider, "webhook");
            Failures.record(callboard, provider, 1, 31, i -> "reason " + i);
            clock.advance(Duration.ofSeconds(2));
            soon().until(() -> chat.posted().size() == 2 && callboard.mails().size() == 2);
            assertThat(chat.posted().get(1).body())
                    .contains("\"count\":30", "30 tasks failed", "and 20 more", "\"taskId\":\"task-30\"");
        }
    }

    /** Those of the chat come last, since its recipients are both. */
    private static Map<String, String> settings(WebhookReceiver chat, HostileMailServer smtp) {
        Map<String, String> settings = new HashMap<>(smtp.settings());
        settings.putAll(chat.settings("json"));
        return settings;
    }

    /** Of a mail server that takes nothing for long, whether it rejects connections or hangs. */
    @ParameterizedTest
    @CsvSource({
        "H2, 451 4.3.0 not now, 20",
        "POSTGRESQL, 451 4.3.0 not now, 20",
        "H2, " + HostileMailServer.SILENCE + ", 0"
    })
    void sendsEachAlertToTheChatAtOnceWhileTheMailServerIsDown(Backend backend, String answer, int minutes)
            throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                HostileMailServer smtp = new HostileMailServer(Certificates.TRUSTED)) {
            Map<String, String> settings = settings(chat, smtp);
            smtp.misbehave(Stage.GREETING, answer);
            try (TestCallboard callboard = start(backend, settings, clock)) {
                // More than the mails that may be under way at a time.
                for (int i = 0; i < 20; i++) {
                    String provider = "p" + i;
                    long begin = System.nanoTime();
                    Failures.record(callboard, provider, 1);
                    soon().until(() -> !chat.bodies("\"" + provider + "\"").isEmpty());
                    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
                    attempted(callboard, provider, "webhook");
                    // With these, so long that the mails wait an hour for their next attempts.
                    clock.advance(Duration.ofMinutes(minutes));
                }
                assertThat(smtp.received()).isEmpty();
                assertThat(chat.posted()).hasSize(20);
                smtp.behave();
                // The attempts that hang end after ten seconds.
                soon().until(() -> callboard
                        .rows("SELECT 1 FROM mail WHERE lease_id IS NOT NULL")
                        .isEmpty());
                clock.advance(Duration.ofHours(1));
                soon().until(() -> smtp.received().size() == 20);
                assertThat(chat.posted()).as("nothing twice").hasSize(20);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void sendsMailsAsEverWhileTheChatIsDownAndCatchesUp(Backend backend) throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(backend, chat.settings("json"), clock)) {
            chat.answer(WebhookReceiver.status(503, "down for maintenance"));
            for (int i = 0; i < 5; i++) {
                Failures.record(callboard, "p" + i, 1);
                int mails = i + 1;
                soon().until(() -> callboard.mails().size() == mails);
                Map<String, Object> waiting = attempted(callboard, "p" + i, "webhook");
                assertThat(waiting).containsEntry("state", "pending").containsEntry("awaits_server", true);
                assertThat(waiting.get("last_error").toString())
                        .isEqualTo("the webhook at localhost did not accept the message: HTTP 503, down for"
                                + " maintenance");
                assertThat(attempted(callboard, "p" + i, "mail")).containsEntry("state", "sent");
            }
            assertThat(callboard.manage("/observe/health").statusCode()).isEqualTo(200);
            clock.advance(Duration.ofHours(2));
            soon().untilAsserted(() -> {
                callboard.run("count-alerts");
                assertThat(callboard.manage("/observe/health").body())
                        .contains("DOWN", "a message to the chat has failed on each attempt since");
            });
            assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);

            soon().until(() -> callboard
                    .rows("SELECT 1 FROM mail WHERE state = 'pending' AND lease_id IS NOT NULL")
                    .isEmpty());
            chat.answer(WebhookReceiver.status(204, ""));
            // One goes through, and the others are due at once: an outage of the chat ends with its own messages.
            Failures.record(callboard, "p5", 1);
            soon().until(() ->
                    callboard.rows("SELECT 1 FROM mail WHERE state <> 'sent'").isEmpty());
            assertThat(callboard.mails()).as("nothing twice").hasSize(6);
            for (int i = 0; i < 6; i++) {
                assertThat(recipients(callboard, "p" + i)).contains("webhook accepted");
            }
            callboard.run("count-alerts");
            assertThat(callboard.manage("/observe/health").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void doesNotEndTheOutageOfAnotherChannel() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(Backend.H2, chat.settings("json"), clock)) {
            chat.answer(WebhookReceiver.status(500, ""));
            Failures.record(callboard, "one", 1);
            Object next = attempted(callboard, "one", "webhook").get("next_attempt_at");
            Failures.record(callboard, "two", 1);
            soon().until(() -> callboard.mails().size() == 2);
            attempted(callboard, "two", "mail");
            attempted(callboard, "two", "webhook");
            assertThat(attempted(callboard, "one", "webhook"))
                    .containsEntry("next_attempt_at", next)
                    .containsEntry("attempts", 1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 410})
    void tellsTheOthersWhatTheChatRejectsForGood(int status) throws Exception {
        String provider = newProvider();
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(Backend.H2, chat.settings("slack"), clock)) {
            chat.answer(exchange -> WebhookReceiver.status(
                            status, "no such hook\r\n\u202e" + exchange.getRequestURI() + " x".repeat(5000))
                    .write(exchange));
            Failures.record(callboard, provider, 1);
            Map<String, Object> mail = attempted(callboard, provider, "webhook");
            assertThat(mail).containsEntry("state", "bounced").containsEntry("next_attempt_at", null);
            assertThat(mail.get("last_error").toString())
                    .startsWith("the webhook at localhost rejected the message: HTTP " + status + ", no such hook")
                    .hasSizeLessThan(350);
            attempted(callboard, provider, "mail");
            assertThat(recipients(callboard, provider))
                    .containsExactly("ops@example.test accepted", "webhook rejected");
            soon().until(() -> callboard.mailNamed("could not be delivered").isPresent());
            assertThat(callboard.rows("SELECT detail FROM alert WHERE kind = 'undelivered'"))
                    .singleElement()
                    .satisfies(row -> assertThat(row.get("detail").toString())
                            .startsWith("For: the webhook at localhost\nAbout: " + provider + ", failed\nWhy: ")
                            .doesNotContain("s3cret"));
            assertThat(callboard.manage("/observe/health").body())
                    .contains("DOWN", "the webhook at localhost rejected");
            assertThat(callboard.manage("/mails?refused=true").body()).contains("\"refusedFor\":\"webhook\"");
        }
    }

    @Test
    void raisesAnAlertOverTheChatAboutARejectedAddress() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                HostileMailServer smtp = new HostileMailServer(Certificates.TRUSTED)) {
            Map<String, String> settings = settings(chat, smtp);
            smtp.misbehave(Stage.RCPT, "550 5.1.1 no such user");
            try (TestCallboard callboard = start(Backend.H2, settings, clock)) {
                Failures.record(callboard, newProvider(), 1);
                soon().until(() -> !chat.bodies("\"kind\":\"undelivered\"").isEmpty());
                assertThat(chat.bodies("\"kind\":\"undelivered\"").get(0)).contains("For: ops@example.test");
                callboard.run("count-alerts");
                assertThat(callboard.manage("/observe/metrics").body()).contains("callboard_alerts_undeliverable 0.0");
            }
        }
    }

    @Test
    void obeysRetryAfterForAllMessages() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(Backend.H2, chat.settings("discord"), clock)) {
            chat.answer(WebhookReceiver.status(429, "{\"message\": \"slow down\"}", "Retry-After", "600"));
            Failures.record(callboard, "one", 1);
            Map<String, Object> mail = attempted(callboard, "one", "webhook");
            assertThat(mail).containsEntry("state", "pending").containsEntry("awaits_server", false);
            chat.answer(WebhookReceiver.status(204, ""));
            Failures.record(callboard, "two", 1);
            soon().until(() -> callboard.mails().size() == 2);
            attempted(callboard, "two", "mail");
            clock.advance(Duration.ofSeconds(590));
            Failures.record(callboard, "three", 1);
            soon().until(() -> callboard.mails().size() == 3);
            attempted(callboard, "three", "mail");
            assertThat(chat.posted()).hasSize(1);
            clock.advance(Duration.ofSeconds(10));
            soon().until(() -> chat.posted().size() == 4);
        }
    }

    @Test
    void followsNoRedirect() throws Exception {
        try (WebhookReceiver elsewhere = new WebhookReceiver();
                WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(Backend.H2, chat.settings("json"), clock)) {
            chat.answer(WebhookReceiver.status(307, "", "Location", elsewhere.url()));
            Failures.record(callboard, "one", 1);
            assertThat(attempted(callboard, "one", "webhook"))
                    .containsEntry("state", "pending")
                    .containsEntry(
                            "last_error",
                            "the webhook at localhost answered with a redirect, which is not followed: HTTP 307");
            assertThat(callboard.manage("/observe/health").body()).contains("DOWN", "redirect");
            assertThat(elsewhere.posted()).isEmpty();
        }
    }

    @Test
    void countsALongAnswerByItsStatus() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(Backend.H2, chat.settings("json"), clock)) {
            chat.answer(exchange -> {
                exchange.sendResponseHeaders(200, 0);
                byte[] megabyte = new byte[1 << 20];
                for (int i = 0; i < 100; i++) {
                    exchange.getResponseBody().write(megabyte);
                }
            });
            Failures.record(callboard, "one", 1);
            assertThat(attempted(callboard, "one", "webhook")).containsEntry("state", "sent");
        }
    }

    @Test
    void waitsTenSecondsAtMostForAnAnswerAndHoldsUpNoMail() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        try (WebhookReceiver chat = new WebhookReceiver();
                TestCallboard callboard = start(Backend.H2, chat.settings("json"), clock)) {
            chat.answer(exchange -> {
                exchange.sendResponseHeaders(200, 0);
                // Single bytes do not extend the time.
                while (!held.await(500, TimeUnit.MILLISECONDS)) {
                    exchange.getResponseBody().write('x');
                    exchange.getResponseBody().flush();
                }
            });
            long begin = System.nanoTime();
            for (int i = 0; i < 5; i++) {
                Failures.record(callboard, "p" + i, 1);
            }
            soon().until(() -> callboard.mails().size() == 5);
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(8));
            chat.answer(exchange -> held.await(60, TimeUnit.SECONDS));
            soon().until(() -> callboard
                            .rows("SELECT 1 FROM mail WHERE last_error LIKE '%did not answer%'")
                            .size()
                    > 0);
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(35));
        } finally {
            held.countDown();
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({"TRUSTED, sent", "FOR_ANOTHER_HOST, pending", "SELF_MADE, pending"})
    void postsOnlyToAServerOfTheRightCertificate(Certificates certificate, String state) throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver(certificate);
                TestCallboard callboard = start(Backend.H2, chat.settings("json"), clock)) {
            Failures.record(callboard, "one", 1);
            assertThat(attempted(callboard, "one", "webhook")).containsEntry("state", state);
            boolean isTrusted = state.equals("sent");
            assertThat(chat.posted()).hasSize(isTrusted ? 1 : 0);
            assertThat(callboard.manage("/observe/health").statusCode()).isEqualTo(isTrusted ? 200 : 503);
        }
    }

    @Test
    void needsNoMailServerAndNoAddressForTheChatAlone() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                Logged log = new Logged()) {
            Map<String, String> settings = chat.settings("ntfy");
            settings.put("callboard.alerts.to", "webhook");
            settings.remove("callboard.alerts.from");
            settings.put("callboard.mail.host", "mail.example.org");
            try (TestCallboard callboard = start(Backend.H2, settings, clock)) {
                assertThat(log.lines("Mails: ")).singleElement().asString().endsWith(" none; chat at localhost, ntfy");
                Failures.record(callboard, "one", 1);
                soon().until(() -> chat.posted().size() == 1);
                assertThat(attempted(callboard, "one", "webhook"))
                        .containsEntry("state", "sent")
                        .containsEntry("copy_of", null);
                assertThat(chat.posted().get(0).headers())
                        .containsEntry("Title", "One: task failed, no reason given (task-0, video)")
                        .containsEntry("Priority", "high")
                        .containsEntry("Content-type", "text/plain; charset=utf-8");
                assertThat(testMail(callboard).body())
                        .isEqualTo("The test message went to the chat at localhost, ntfy.\n");
                assertThat(callboard.count("mail")).isEqualTo(1);
            }
        }
    }

    @Test
    void sendsOnlyTheKindsAndProvidersThatNameIt() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver()) {
            Map<String, String> settings = chat.settings("json");
            settings.put("callboard.alerts.to", "ops@example.test");
            settings.put("callboard.alerts.provider.creatify.to", "Webhook");
            settings.put("callboard.alerts.kind.malformed.to", "webhook, dev@example.test");
            try (TestCallboard callboard = start(Backend.H2, settings, clock)) {
                Failures.record(callboard, "fotor", 1);
                Failures.record(callboard, "creatify", 1);
                assertThat(callboard.post("fotor", "no json").statusCode()).isEqualTo(400);
                soon().until(() ->
                        chat.posted().size() == 2 && callboard.mails().size() == 2);
                assertThat(chat.bodies("\"kind\":\"failed\",\"provider\":\"creatify\""))
                        .hasSize(1);
                assertThat(chat.bodies("\"kind\":\"malformed\",\"provider\":\"fotor\""))
                        .hasSize(1);
                assertThat(recipients(callboard, "creatify")).containsExactly("webhook accepted");
                assertThat(recipients(callboard, "fotor")).containsExactly("ops@example.test accepted");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void sendsWhatWaitsToTheChatThatTheSettingsNameLater(Backend backend) throws Exception {
        try (HostileMailServer smtp = new HostileMailServer(Certificates.TRUSTED);
                WebhookReceiver chat = new WebhookReceiver()) {
            smtp.misbehave(Stage.GREETING, "451 4.3.0 not now");
            Map<String, String> settings = smtp.settings();
            Map<String, String> first = new java.util.HashMap<>(settings);
            first.put("callboard.alerts.to", "ops@example.test");
            first.put("callboard.alerts.from", "callboard@example.test");
            Map<String, String> database;
            try (TestCallboard callboard = start(backend, first, clock)) {
                Failures.record(callboard, "one", 1);
                attempted(callboard, "one", "mail");
                database = callboard.database();
            }
            Map<String, String> second = chat.settings("json");
            second.put("callboard.alerts.to", "webhook");
            second.putAll(database);
            try (TestCallboard callboard = start(backend, second, clock)) {
                soon().until(() -> chat.posted().size() == 1);
                assertThat(attempted(callboard, "one", "webhook")).containsEntry("state", "sent");
                assertThat(attempted(callboard, "one", "mail")).containsEntry("state", "suppressed");
                soon().untilAsserted(() -> {
                    callboard.run("count-alerts");
                    assertThat(callboard.manage("/observe/metrics").body()).contains("callboard_alerts_pending 0.0");
                });
            }
        }
    }

    @Test
    void showsTheUrlNowhere() throws Exception {
        try (WebhookReceiver chat = new WebhookReceiver();
                Logged log = new Logged()) {
            Map<String, String> settings = chat.settings("slack");
            settings.put("callboard.log.level", "debug");
            try (TestCallboard callboard = start(Backend.H2, settings, clock)) {
                List<WebhookReceiver.Answer> answers = List.of(
                        exchange -> WebhookReceiver.status(404, "Cannot POST " + exchange.getRequestURI())
                                .write(exchange),
                        exchange -> WebhookReceiver.status(
                                        500, "at " + exchange.getRequestURI().getPath())
                                .write(exchange),
                        exchange -> WebhookReceiver.status(302, "", "Location", exchange.getRequestURI() + "x")
                                .write(exchange),
                        exchange -> {
                            throw new IOException("ends the connection");
                        },
                        WebhookReceiver.status(200, "ok"));
                for (int i = 0; i < answers.size(); i++) {
                    chat.answer(answers.get(i));
                    Failures.record(callboard, "p" + i, 1);
                    attempted(callboard, "p" + i, "webhook");
                    HttpResponse<String> test = testMail(callboard);
                    assertThat(test.statusCode()).isEqualTo(i < answers.size() - 1 ? 502 : 200);
                    assertThat(test.body())
                            .startsWith("The test mail for ops@example.test went to files in ")
                            .contains("localhost, slack")
                            .doesNotContain("s3cret");
                    assertThat(callboard.manage("/observe/health").body()).doesNotContain("s3cret");
                }
                assertThat(callboard.manage("/mails").body()).contains("HTTP 404, Cannot POST ...");
                chat.stop();
                Failures.record(callboard, "away", 1);
                assertThat(attempted(callboard, "away", "webhook")
                                .get("last_error")
                                .toString())
                        .startsWith("the webhook at localhost can't be reached: ");
                assertThat(callboard.manage("/mails").body()).doesNotContain("s3cret");
                assertThat(callboard.manage("/observe/metrics").body()).doesNotContain("s3cret");
                for (Object mail : callboard.mails()) {
                    assertThat(new String(bytes(mail), StandardCharsets.UTF_8)).doesNotContain("s3cret");
                }
            }
            assertThat(log.lines("s3cret")).isEmpty();
            assertThat(log.lines("chat")).isNotEmpty();
        }
    }

    private static byte[] bytes(Object mail) throws Exception {
        java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
        ((jakarta.mail.internet.MimeMessage) mail).writeTo(out);
        return out.toByteArray();
    }
}
