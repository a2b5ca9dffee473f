package dev.callboard.alert;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.icegreen.greenmail.util.GreenMail;
import com.icegreen.greenmail.util.ServerSetupTest;
import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.HostileMailServer.Stage;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Errors of mail servers: which mails are attempted again, which bounce, and which raise an alert. */
@Timeout(value = 90, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MailServerTest {
    private static HostileMailServer server;
    private static TestCallboard callboard;
    private static final SettableClock CLOCK = new SettableClock();

    @BeforeAll
    static void start() throws IOException {
        server = new HostileMailServer(Certificates.TRUSTED);
        Map<String, String> settings = new HashMap<>(server.settings());
        settings.put("callboard.alerts.to", "ops@example.test, Support <support@example.test>");
        // A server on this machine may have users at localhost; on another it could not reach them.
        settings.put("callboard.alerts.from", "callboard@example.test");
        callboard = TestCallboard.start(Backend.H2, settings, CLOCK);
    }

    @AfterAll
    static void stop() throws IOException {
        callboard.close();
        server.close();
    }

    @AfterEach
    void behave() {
        server.behave();
    }

    /** The first mail of a provider, once an attempt has ended. */
    private static Map<String, Object> attempted(String provider) {
        return attempted(provider, 1);
    }

    private static Map<String, Object> attempted(String provider, int attempts) {
        return soon().until(
                        () -> callboard.rows(
                                "SELECT * FROM mail WHERE provider = ? AND kind = 'failed' AND attempts >= ?"
                                        + " AND lease_id IS NULL ORDER BY sequence",
                                provider,
                                attempts),
                        rows -> !rows.isEmpty())
                .get(0);
    }

    /** The recipients of a mail in a state, in alphabetical order. */
    private static List<Object> recipients(Map<String, Object> mail, String state) {
        return callboard
                .rows(
                        "SELECT address FROM mail_recipient WHERE mail_id = ? AND state = ? ORDER BY address",
                        mail.get("mail_id"),
                        state)
                .stream()
                .map(row -> row.get("address"))
                .toList();
    }

    /** The mail of the one alert about a provider. */
    private static Map<String, Object> mailOfAlert(String provider) {
        return callboard
                .rows(
                        "SELECT mail.* FROM alert JOIN mail ON mail.mail_id = alert.mail_id"
                                + " WHERE alert.provider = ? AND alert.kind = 'failed'",
                        provider)
                .get(0);
    }

    /** The longest time between two attempts. */
    private static void anHourPasses() {
        CLOCK.advance(Duration.ofHours(1));
    }

    private static List<HostileMailServer.Received> received(Map<String, Object> mail) {
        return server.received().stream()
                .filter(received -> received.id().equals(mail.get("mail_id")))
                .toList();
    }

    private static String health(String level) {
        return callboard.manage("/observe/health" + level).body();
    }

    private static String newProvider() {
        return "p" + UUID.randomUUID().toString().replace("-", "").substring(0, 20);
    }

    @ParameterizedTest
    @EnumSource(Stage.class)
    void retriesWhenTheConnectionEndsAtAnyStage(Stage stage) {
        retries(stage, HostileMailServer.DROP);
        assertThat(health("")).doesNotContain("DOWN");
    }

    @ParameterizedTest
    @EnumSource(Stage.class)
    void retriesAfterATemporaryErrorAtAnyStage(Stage stage) {
        retries(stage, "451 4.3.0 not now");
        assertThat(health("")).doesNotContain("DOWN");
    }

    @ParameterizedTest
    @EnumSource(names = {"GREETING", "EHLO", "STARTTLS", "AUTH", "MAIL"})
    void retriesAndShowsAFaultOfTheSettingsAfterAPermanentErrorBeforeAnyRecipient(Stage stage) {
        retries(stage, "554 5.7.1 go away");
    }

    @Test
    void sendsNothingUnencryptedToAServerThatOffersNoStartTls() {
        int before = server.received().size();
        server.misbehave(Stage.EHLO, "250 no encryption here");
        HttpResponse<String> answer = testMail(callboard);
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(answer.body()).contains("STARTTLS is required");
        assertThat(server.received()).hasSize(before);
        assertThat(health("")).contains("STARTTLS is required");
        server.behave();
        assertThat(testMail(callboard).statusCode()).isEqualTo(200);
        assertThat(health("")).doesNotContain("DOWN");
    }

    private static void retries(Stage stage, String answer) {
        String provider = newProvider();
        server.misbehave(stage, answer);
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = attempted(provider);
        assertThat(mail.get("last_error").toString()).doesNotContain("null");
        assertThat(mail)
                .containsEntry("state", "pending")
                .containsEntry("sent_at", null)
                .containsEntry("failed_at", null);
        assertThat(mailOfAlert(provider)).containsEntry("mail_id", mail.get("mail_id"));
        assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);
        assertThat(callboard.manage("/observe/health/live").statusCode()).isEqualTo(200);
        if (answer.startsWith("554")) {
            assertThat(health("")).contains("DOWN").contains("go away");
        }
        server.behave();
        anHourPasses();
        soon().until(() -> mailOfAlert(provider).get("state").equals("sent"));
        assertThat(mailOfAlert(provider).get("sent_at")).isNotNull();
        // A server that drops the connection after the end of the data has the mail, and gets it again under its id.
        assertThat(received(mail)).hasSize(stage == Stage.END_OF_DATA ? 2 : 1);
        assertThat(received(mail).get(0).recipients()).containsExactly("ops@example.test", "support@example.test");
        soon().until(() -> callboard.manage("/observe/health").statusCode() == 200);
    }

    @ParameterizedTest
    @EnumSource(names = {"DATA", "END_OF_DATA"})
    void bouncesAMailThatIsRejectedForGood(Stage stage) {
        String provider = newProvider();
        server.misbehave(stage, "554 5.6.0 I do not like it");
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = attempted(provider);
        assertThat(mail).containsEntry("state", "bounced").containsEntry("next_attempt_at", null);
        assertThat(recipients(mail, "rejected")).containsExactly("ops@example.test", "support@example.test");
        assertThat(mail.get("failed_at")).isNotNull();
        assertThat(mail.get("last_error").toString()).contains("I do not like it");
        assertThat(mailOfAlert(provider)).containsEntry("mail_id", mail.get("mail_id"));
        assertThat(callboard.manage("/mails").body())
                .contains(mail.get("mail_id").toString());
        // Every recipient rejected it, so no recipient is left for an alert about it.
        assertThat(callboard.rows("SELECT * FROM alert WHERE kind = 'undelivered' AND provider = ?", provider))
                .isEmpty();
        assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void countsPendingAndUndeliverableAlerts(Backend backend) throws Exception {
        try (HostileMailServer rejecting = new HostileMailServer(Certificates.TRUSTED);
                TestCallboard counting = TestCallboard.start(backend, rejecting.settings())) {
            rejecting.misbehave(Stage.DATA, "554 5.6.0 I do not like it");
            Failures.record(counting, newProvider(), 2);
            soon().until(() ->
                    !counting.rows("SELECT 1 FROM mail WHERE state = 'bounced'").isEmpty());
            rejecting.misbehave(Stage.DATA, "451 4.3.0 not now");
            Failures.record(counting, newProvider(), 3);
            soon().untilAsserted(() -> {
                counting.run("count-alerts");
                assertThat(counting.manage("/observe/metrics").body())
                        .contains("callboard_alerts_pending 3.0", "callboard_alerts_undeliverable 2.0");
            });
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void isUnhealthyWhileAMailHasFailedForAnHour(Backend backend) throws Exception {
        SettableClock clock = new SettableClock();
        try (HostileMailServer deferring = new HostileMailServer(Certificates.TRUSTED);
                TestCallboard stuck = TestCallboard.start(backend, deferring.settings(), clock)) {
            deferring.misbehave(Stage.RCPT, "451 4.3.0 not now");
            Failures.record(stuck, newProvider(), 1);
            soon().until(() -> !stuck.rows("SELECT 1 FROM mail WHERE last_error IS NOT NULL AND lease_id IS NULL")
                    .isEmpty());
            clock.advance(Duration.ofHours(1));
            stuck.run("count-alerts");
            assertThat(stuck.manage("/observe/health").statusCode()).isEqualTo(200);

            clock.advance(Duration.ofSeconds(1));
            stuck.run("count-alerts");
            assertThat(stuck.manage("/observe/health").statusCode()).isEqualTo(503);
            assertThat(stuck.manage("/observe/health").body()).contains("a mail has failed on each attempt since");
            assertThat(stuck.manage("/observe/health/ready").statusCode()).isEqualTo(200);

            deferring.behave();
            clock.advance(Duration.ofHours(1));
            soon().until(() ->
                    !stuck.rows("SELECT 1 FROM mail WHERE state = 'sent'").isEmpty());
            stuck.run("count-alerts");
            assertThat(stuck.manage("/observe/health").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void alertsTheOthersWhenARecipientIsRejectedForGoodAndRetriesAtTheNextStart() throws Exception {
        String provider = newProvider();
        server.reject("ops@example.test", "550 5.1.1 no such user");
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = attempted(provider);
        assertThat(mail).containsEntry("state", "sent").containsEntry("next_attempt_at", null);
        assertThat(mail.get("sent_at")).isNotNull();
        assertThat(recipients(mail, "accepted")).containsExactly("support@example.test");
        assertThat(recipients(mail, "rejected")).containsExactly("ops@example.test");
        HostileMailServer.Received notice = soon().until(
                        () -> server.received().stream()
                                .filter(one -> TestMails.text(one.mail()).contains("no such user"))
                                .toList(),
                        list -> !list.isEmpty())
                .get(0);
        assertThat(notice.recipients()).containsExactly("support@example.test");
        assertThat(notice.mail().getSubject()).contains("could not be delivered");

        server.behave();
        callboard.close();
        callboard.startAgain();
        soon().until(() -> received(mail).size() == 2);
        assertThat(received(mail).get(1).recipients()).containsExactly("ops@example.test");
        soon().until(() -> recipients(mail, "accepted").equals(List.of("ops@example.test", "support@example.test")));
        soon().until(() -> callboard
                .manage("/mails")
                .body()
                .contains("\"takenFor\":\"ops@example.test,support@example.test\",\"refusedFor\":\"\""));
        assertThat(attempted(provider)).containsEntry("state", "sent").containsEntry("sent_at", mail.get("sent_at"));
    }

    @Test
    void retriesForADeferredRecipientOnly() {
        String provider = newProvider();
        server.reject("support@example.test", "450 4.2.0 greylisted");
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = attempted(provider);
        assertThat(mail).containsEntry("state", "pending");
        assertThat(mail.get("sent_at")).isNotNull();
        assertThat(mail.get("next_attempt_at")).isNotNull();
        assertThat(recipients(mail, "accepted")).containsExactly("ops@example.test");
        assertThat(recipients(mail, "rejected")).isEmpty();
        server.behave();
        anHourPasses();
        soon().until(() -> received(mail).size() == 2);
        assertThat(received(mail).get(1).recipients()).containsExactly("support@example.test");
    }

    @Test
    void retriesAfterSecondsAtFirstAndThenAfterTwiceTheTime() {
        String provider = newProvider();
        server.misbehave(Stage.RCPT, "451 4.3.0 not now");
        Failures.record(callboard, provider, 1);
        assertThat(secondsToTheNextAttempt(attempted(provider, 1))).isBetween(3.75, 5.0);
        CLOCK.advance(Duration.ofSeconds(5));
        assertThat(secondsToTheNextAttempt(attempted(provider, 2))).isBetween(7.5, 10.0);
        CLOCK.advance(Duration.ofSeconds(10));
        assertThat(secondsToTheNextAttempt(attempted(provider, 3))).isBetween(15.0, 20.0);
    }

    private static double secondsToTheNextAttempt(Map<String, Object> mail) {
        Object next = mail.get("next_attempt_at");
        return Duration.between(CLOCK.instant(), ((OffsetDateTime) next).toInstant())
                        .toMillis()
                / 1000.0;
    }

    @ParameterizedTest
    @CsvSource({"SILENCE, GREETING", "SILENCE, END_OF_DATA", "TRICKLE, GREETING", "TRICKLE, EHLO", "TRICKLE, RCPT"})
    void abandonsAnAttemptAtASlowServer(String how, Stage stage) throws Exception {
        server.misbehave(stage, how.equals("SILENCE") ? HostileMailServer.SILENCE : HostileMailServer.TRICKLE);
        var sender = MailServer.of(
                settings(server.settings()),
                Clock.systemUTC(),
                Duration.ofMillis(300),
                Duration.ofSeconds(1),
                Duration.ofSeconds(2));
        long start = System.nanoTime();
        assertThatThrownBy(() -> sender.send(TestMails.simple())).isInstanceOf(jakarta.mail.MessagingException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
    }

    @Test
    void leavesPendingMailsToTheNextStartWhenItStops() throws Exception {
        try (HostileMailServer slow = new HostileMailServer(Certificates.TRUSTED);
                TestCallboard stopping = TestCallboard.start(Backend.H2, slow.settings())) {
            slow.misbehave(Stage.GREETING, HostileMailServer.SILENCE);
            for (int i = 0; i < 3; i++) {
                Failures.record(stopping, newProvider(), 1);
            }
            soon().until(slow::isCalled);
            CompletableFuture<Void> stopped = CompletableFuture.runAsync(stopping::stop);
            soon().until(() -> stopping.callboard().camel().getStatus().isStopping());
            slow.behave();
            slow.hangUp();
            stopped.join();
            assertThat(slow.received()).isEmpty();

            stopping.startAgain();
            soon().until(() -> slow.received().size() == 3);
        }
    }

    static Settings settings(Map<String, String> given) {
        java.util.Properties properties = new java.util.Properties();
        properties.putAll(given);
        return Settings.read(java.nio.file.Path.of("no-file"), Map.of(), properties);
    }

    private static HttpResponse<String> testMail(TestCallboard callboard) {
        return TestCallboard.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + "/mails/test"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build());
    }

    @Test
    void sendsATestMail() {
        int before = server.received().size();
        HttpResponse<String> answer = testMail(callboard);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo("The test mail for ops@example.test, support@example.test went to localhost:" + server.port()
                        + ", starttls.\n");
        assertThat(server.received()).hasSize(before + 1);
    }

    @Test
    void answersInOneLineWhyATestMailFailed() {
        server.misbehave(Stage.AUTH, "535 5.7.8 wrong password");
        HttpResponse<String> answer = testMail(callboard);
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(answer.body().lines()).singleElement().asString().contains("rejected the login", "wrong password");
        server.behave();
        server.reject("support@example.test", "550 5.1.1 no such user");
        assertThat(testMail(callboard).body().lines())
                .singleElement()
                .asString()
                .contains("for ops@example.test went to", "rejected support@example.test: 550 5.1.1 no such user");
    }

    @ParameterizedTest
    @EnumSource(names = {"SELF_MADE", "FOR_ANOTHER_HOST"})
    void sendsNothingToAServerWhoseCertificateIsNotItsOwn(Certificates certificate) throws Exception {
        try (HostileMailServer stranger = new HostileMailServer(certificate);
                TestCallboard careful = TestCallboard.start(Backend.H2, stranger.settings())) {
            HttpResponse<String> answer = testMail(careful);
            assertThat(answer.statusCode()).isEqualTo(502);
            assertThat(answer.body()).contains("certificate is not trusted");
            assertThat(stranger.received()).isEmpty();
            assertThat(careful.manage("/observe/health").body()).contains("certificate is not trusted");
        }
    }

    @Test
    void usesTlsFromTheStartIfConfigured() throws Exception {
        try (HostileMailServer encrypted = HostileMailServer.ofTls(Certificates.TRUSTED);
                TestCallboard careful = TestCallboard.start(Backend.H2, encrypted.settings())) {
            assertThat(testMail(careful).body()).contains("went to");
            assertThat(encrypted.received()).hasSize(1);
        }
    }

    @Test
    void sendsNothingToAServerWithAnUntrustedCertificate() {
        GreenMail stranger = new GreenMail(ServerSetupTest.SMTPS.dynamicPort());
        stranger.setUser("ops@localhost", "callboard", "secret");
        stranger.start();
        Map<String, String> settings = Map.of(
                "callboard.mail.host", "localhost",
                "callboard.mail.port", String.valueOf(stranger.getSmtps().getPort()),
                "callboard.mail.security", "tls",
                "callboard.mail.username", "callboard",
                "callboard.mail.password", "secret");
        try (TestCallboard careful = TestCallboard.start(Backend.H2, settings)) {
            HttpResponse<String> answer = testMail(careful);
            assertThat(answer.statusCode()).isEqualTo(502);
            assertThat(answer.body()).contains("certificate is not trusted");
            assertThat(stranger.getReceivedMessages()).isEmpty();
        } finally {
            stranger.stop();
        }
    }

    @Test
    void usesNoEncryptionOnLoopbackIfConfigured() {
        GreenMail mailServer = new GreenMail(ServerSetupTest.SMTP.dynamicPort());
        mailServer.start();
        try (TestCallboard trusting = TestCallboard.start(
                Backend.H2,
                Map.of(
                        "callboard.mail.host", "127.0.0.1",
                        "callboard.mail.port",
                                String.valueOf(mailServer.getSmtp().getPort()),
                        "callboard.mail.security", "none"))) {
            trusting.post("fotor", TestCallboard.payload("fotor-video-failed"));
            assertThat(mailServer.waitForIncomingEmail(10_000, 1)).isTrue();
        } finally {
            mailServer.stop();
        }
    }
}
