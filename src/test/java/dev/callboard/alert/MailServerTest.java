package dev.callboard.alert;

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
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Route;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Mails and the servers that take them, or do not: what is tried on, what is set aside, and who is told. */
@Timeout(value = 90, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MailServerTest {
    private static HostileMailServer server;
    private static TestCallboard callboard;

    @BeforeAll
    static void start() throws IOException {
        server = new HostileMailServer(Certificates.TRUSTED);
        Map<String, String> settings = new HashMap<>(server.settings());
        settings.put("callboard.alerts.to", "ops@example.test, Support <support@example.test>");
        // A server on this machine may have users at localhost; on another it could not reach them.
        settings.put("callboard.alerts.from", "callboard@example.test");
        callboard = TestCallboard.start(Backend.H2, settings);
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

    static ConditionFactory soon() {
        return Awaitility.await().pollInterval(Duration.ofMillis(50)).atMost(Duration.ofSeconds(15));
    }

    /** The first mail of a provider, when a try of it has come to an end. */
    private static Map<String, Object> tried(String provider) {
        return soon().until(
                        () -> callboard.rows(
                                "SELECT * FROM mail WHERE provider = ? AND kind = 'failed' AND attempts > 0 AND claim IS NULL"
                                        + " ORDER BY nth",
                                provider),
                        rows -> !rows.isEmpty())
                .get(0);
    }

    private static Map<String, Object> alert(String provider) {
        return callboard
                .rows("SELECT * FROM alert WHERE provider = ? AND kind = 'failed'", provider)
                .get(0);
    }

    private static void tryAgain(String provider) {
        Failures.update(
                callboard,
                "UPDATE mail SET next_attempt_at = CURRENT_TIMESTAMP WHERE next_attempt_at IS NOT NULL AND provider = '"
                        + provider + "'");
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
    void triesOnWhenTheConnectionEndsAtAnyStage(Stage stage) {
        triesOn(stage, HostileMailServer.DROP);
        assertThat(health("")).doesNotContain("DOWN");
    }

    @ParameterizedTest
    @EnumSource(Stage.class)
    void triesOnWhenItIsRefusedForAWhileAtAnyStage(Stage stage) {
        triesOn(stage, "451 4.3.0 not now");
        assertThat(health("")).doesNotContain("DOWN");
    }

    @ParameterizedTest
    @EnumSource(names = {"GREETING", "EHLO", "STARTTLS", "AUTH", "MAIL"})
    void triesOnAndSaysThatTheSettingsAreWrongWhenItIsRefusedBeforeAnyRecipient(Stage stage) {
        triesOn(stage, "554 5.7.1 go away");
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

    private static void triesOn(Stage stage, String answer) {
        String provider = newProvider();
        server.misbehave(stage, answer);
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = tried(provider);
        assertThat(mail.get("last_error").toString()).doesNotContain("null");
        assertThat(mail).containsEntry("sent_at", null).containsEntry("set_aside_at", null);
        assertThat(alert(provider)).containsEntry("sent_at", null).containsEntry("set_aside_at", null);
        assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);
        assertThat(callboard.manage("/observe/health/live").statusCode()).isEqualTo(200);
        if (answer.startsWith("554")) {
            assertThat(health("")).contains("DOWN").contains("go away");
        }
        server.behave();
        tryAgain(provider);
        soon().until(() -> alert(provider).get("sent_at") != null);
        // Who drops the connection after the end of the data has the mail already, and gets it again under its id.
        assertThat(received(mail)).hasSize(stage == Stage.END_OF_DATA ? 2 : 1);
        assertThat(received(mail).get(0).recipients()).containsExactly("ops@example.test", "support@example.test");
        soon().until(() -> callboard.manage("/observe/health").statusCode() == 200);
    }

    @ParameterizedTest
    @EnumSource(names = {"DATA", "END_OF_DATA"})
    void setsAsideAMailThatIsRefusedForGood(Stage stage) {
        String provider = newProvider();
        server.misbehave(stage, "554 5.6.0 I do not like it");
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = tried(provider);
        assertThat(mail)
                .containsEntry("next_attempt_at", null)
                .containsEntry("refused_for", "ops@example.test,support@example.test");
        assertThat(mail.get("set_aside_at")).isNotNull();
        assertThat(mail.get("last_error").toString()).contains("I do not like it");
        assertThat(alert(provider).get("set_aside_at")).isNotNull();
        assertThat(callboard.manage("/mails").body())
                .contains(mail.get("mail_id").toString());
        // Everybody was refused, so there is nobody to tell.
        assertThat(callboard.rows("SELECT * FROM alert WHERE kind = 'undelivered' AND provider = ?", provider))
                .isEmpty();
        assertThat(callboard.manage("/observe/health/ready").statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void countsWhatWaitsForItsNextTryAndWhatIsSetAside(Backend backend) throws Exception {
        try (HostileMailServer refusing = new HostileMailServer(Certificates.TRUSTED);
                TestCallboard counting = TestCallboard.start(backend, refusing.settings())) {
            refusing.misbehave(Stage.DATA, "554 5.6.0 I do not like it");
            Failures.record(counting, newProvider(), 2);
            soon().until(() -> !counting.rows("SELECT 1 FROM mail WHERE set_aside_at IS NOT NULL")
                    .isEmpty());
            refusing.misbehave(Stage.DATA, "451 4.3.0 not now");
            Failures.record(counting, newProvider(), 3);
            // Without waiting for its timer.
            Route count = counting.callboard().camel().getRoute("count-alerts");
            soon().untilAsserted(() -> {
                count.getProcessor().process(count.getEndpoint().createExchange());
                assertThat(counting.manage("/observe/metrics").body())
                        .contains("callboard_alerts_pending 3.0", "callboard_alerts_set_aside 2.0");
            });
        }
    }

    @Test
    void tellsTheOthersWhenARecipientIsRefusedForGoodAndTriesAgainAtTheNextStart() throws Exception {
        String provider = newProvider();
        server.refuse("ops@example.test", "550 5.1.1 no such user");
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = tried(provider);
        assertThat(mail)
                .containsEntry("taken_for", "support@example.test")
                .containsEntry("refused_for", "ops@example.test")
                .containsEntry("next_attempt_at", null);
        assertThat(alert(provider).get("sent_at")).isNotNull();
        HostileMailServer.Received notice = soon().until(
                        () -> server.received().stream()
                                .filter(one -> TestMails.text(one.mail()).contains("no such user"))
                                .toList(),
                        list -> !list.isEmpty())
                .get(0);
        assertThat(notice.recipients()).containsExactly("support@example.test");
        assertThat(notice.mail().getSubject()).contains("refused a mail for good");

        server.behave();
        callboard.close();
        callboard.startAgain();
        soon().until(() -> received(mail).size() == 2);
        assertThat(received(mail).get(1).recipients()).containsExactly("ops@example.test");
        soon().until(() -> tried(provider).get("taken_for").equals("ops@example.test,support@example.test"));
    }

    @Test
    void triesOnForARecipientWhoIsRefusedForAWhileAlone() {
        String provider = newProvider();
        server.refuse("support@example.test", "450 4.2.0 greylisted");
        Failures.record(callboard, provider, 1);
        Map<String, Object> mail = tried(provider);
        assertThat(mail).containsEntry("taken_for", "ops@example.test").containsEntry("refused_for", "");
        assertThat(mail.get("next_attempt_at")).isNotNull();
        server.behave();
        tryAgain(provider);
        soon().until(() -> received(mail).size() == 2);
        assertThat(received(mail).get(1).recipients()).containsExactly("support@example.test");
    }

    @Test
    void triesAgainAfterSecondsAtFirstAndAtMostAnHour() {
        String provider = newProvider();
        server.misbehave(Stage.RCPT, "451 4.3.0 not now");
        Failures.record(callboard, provider, 1);
        assertThat(secondsToTheNextTry(tried(provider))).isBetween(1.0, 5.0);
        for (int attempts : new int[] {5, 11, 1000}) {
            Failures.update(
                    callboard, "UPDATE mail SET attempts = " + attempts + " WHERE provider = '" + provider + "'");
            tryAgain(provider);
            Map<String, Object> mail = soon().until(
                            () -> tried(provider), row -> ((Number) row.get("attempts")).intValue() == attempts + 1);
            double most = Math.min(3600, 5 * Math.pow(2, attempts));
            assertThat(secondsToTheNextTry(mail)).isBetween(0.7 * most, most);
        }
    }

    private static double secondsToTheNextTry(Map<String, Object> mail) {
        return ((Number) callboard
                        .rows(
                                "SELECT CAST(EXTRACT(EPOCH FROM next_attempt_at - CURRENT_TIMESTAMP) AS DOUBLE PRECISION)"
                                        + " AS s FROM mail WHERE mail_id = ?",
                                mail.get("mail_id"))
                        .get(0)
                        .get("s"))
                .doubleValue();
    }

    @ParameterizedTest
    @CsvSource({"SILENCE, GREETING", "SILENCE, END_OF_DATA", "TRICKLE, GREETING", "TRICKLE, EHLO", "TRICKLE, RCPT"})
    void givesUpOnAServerThatIsSlow(String how, Stage stage) throws Exception {
        server.misbehave(stage, how.equals("SILENCE") ? HostileMailServer.SILENCE : HostileMailServer.TRICKLE);
        var sender = MailServer.of(
                settings(server.settings()), Clock.systemUTC(), Duration.ofMillis(300), Duration.ofSeconds(1));
        long start = System.nanoTime();
        assertThatThrownBy(() -> sender.send(TestMails.simple())).isInstanceOf(jakarta.mail.MessagingException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
    }

    @Test
    void leavesTheMailsThatWaitToTheNextStartWhenItStops() throws Exception {
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
    void sendsATestMailAndSaysThatItWorked() {
        int before = server.received().size();
        HttpResponse<String> answer = testMail(callboard);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body())
                .isEqualTo("The test mail for ops@example.test, support@example.test went to localhost:" + server.port()
                        + ", starttls.\n");
        assertThat(server.received()).hasSize(before + 1);
    }

    @Test
    void saysInOneLineWhyATestMailDidNotWork() {
        server.misbehave(Stage.AUTH, "535 5.7.8 wrong password");
        HttpResponse<String> answer = testMail(callboard);
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(answer.body().lines()).singleElement().asString().contains("refused the login", "wrong password");
        server.behave();
        server.refuse("support@example.test", "550 5.1.1 no such user");
        assertThat(testMail(callboard).body().lines())
                .singleElement()
                .asString()
                .contains("for ops@example.test went to", "refused support@example.test: 550 5.1.1 no such user");
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
    void speaksTlsFromTheStartIfToldSo() throws Exception {
        try (HostileMailServer encrypted = HostileMailServer.ofTls(Certificates.TRUSTED);
                TestCallboard careful = TestCallboard.start(Backend.H2, encrypted.settings())) {
            assertThat(testMail(careful).body()).contains("went to");
            assertThat(encrypted.received()).hasSize(1);
        }
    }

    @Test
    void sendsNothingOverTlsToAServerWithACertificateThatNobodySigned() {
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
    void speaksToAServerOnThisMachineWithoutEncryptionIfToldSo() {
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
