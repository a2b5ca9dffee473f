package dev.callboard.alert;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.HostileMailServer.Received;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A mail server that has the whole mail and does not say for a long time whether it accepts it. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HandOverTest {
    private static final String SLOW = "slow@example.test";

    private HostileMailServer server;

    @BeforeEach
    void start() throws IOException {
        server = new HostileMailServer(Certificates.TRUSTED);
        server.hold(SLOW);
    }

    @AfterEach
    void stop() throws IOException {
        server.behave();
        server.close();
    }

    /** The default recipient is slow; Fotor's is not. */
    private Map<String, String> settings() {
        Map<String, String> settings = new HashMap<>(server.settings());
        settings.put("callboard.alerts.to", SLOW);
        settings.put("callboard.alerts.provider.fotor.to", "ops@example.test");
        settings.put("callboard.alerts.from", "callboard@example.test");
        return settings;
    }

    private List<Received> to(String recipient) {
        return server.received().stream()
                .filter(mail -> mail.recipients().contains(recipient))
                .toList();
    }

    private static List<Object> states(TestCallboard callboard) {
        return callboard.rows("SELECT DISTINCT state FROM mail").stream()
                .map(row -> row.get("state"))
                .toList();
    }

    @Test
    void sendsAMailOnceThoughTheServerConfirmsItLate() throws Exception {
        Map<String, String> shared = new HashMap<>(settings());
        shared.putAll(Backend.POSTGRESQL.newDatabase(Path.of("unused")));
        try (TestCallboard alone = TestCallboard.start(Backend.H2, settings());
                TestCallboard one = TestCallboard.start(Backend.H2, shared);
                TestCallboard other = TestCallboard.start(Backend.H2, shared)) {
            Failures.record(alone, "alone", 1);
            Failures.record(one, "shared", 1);
            soon().until(() -> server.received().size() == 2);
            // Longer than a server may take to answer any other command, and than the first back-off.
            Awaitility.await()
                    .during(Duration.ofSeconds(17))
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> server.received().size() == 2 && server.unanswered() == 2);
            assertThat(other.rows("SELECT 1 FROM mail WHERE lease_id IS NOT NULL"))
                    .hasSize(1);

            server.behave();
            soon().until(() -> states(alone).equals(List.of("sent")));
            soon().until(() -> states(other).equals(List.of("sent")));
            assertThat(server.received()).hasSize(2);
            assertThat(one.rows("SELECT 1 FROM mail WHERE attempts > 1")).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void sendsTheMailsOfOthersMeanwhile(Backend backend) {
        try (Logged log = new Logged();
                TestCallboard callboard = TestCallboard.start(backend, settings())) {
            for (int i = 0; i < 20; i++) {
                Failures.record(callboard, "slow" + i, 1);
            }
            soon().until(() -> server.unanswered() == 8);
            Failures.record(callboard, "fotor", 1);
            soon().until(() -> to("ops@example.test").size() == 1);
            soon().until(() -> callboard
                            .rows("SELECT 1 FROM mail WHERE provider = 'fotor' AND state = 'sent'")
                            .size()
                    == 1);
            soon().until(() -> log.lines("INFO sent mail kind=failed provider=fotor alerts=1 recipients=1 attempt=1")
                            .size()
                    == 1);
            assertThat(server.unanswered())
                    .as("half of what can be sent at a time")
                    .isEqualTo(8);

            server.behave();
            soon().until(() -> states(callboard).equals(List.of("sent")));
            assertThat(to(SLOW)).hasSize(20);
            assertThat(to(SLOW)).extracting(Received::id).doesNotHaveDuplicates();
        }
    }

    @Test
    void stopsWithinSecondsAndSendsTheMailAgainAtTheNextStart() {
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, settings())) {
            Failures.record(callboard, "slow", 1);
            soon().until(() -> server.unanswered() == 1);
            long begin = System.nanoTime();
            callboard.stop();
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(9));

            server.behave();
            callboard.startAgain();
            soon().until(() -> states(callboard).equals(List.of("sent")));
            assertThat(to(SLOW)).hasSize(2);
            assertThat(to(SLOW).get(1).id()).isEqualTo(to(SLOW).get(0).id());
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void recordsThatAMailWasSentOnceTheDatabaseIsBack(Backend backend) throws Exception {
        try (TestCallboard callboard = TestCallboard.start(backend, settings())) {
            Failures.record(callboard, "slow", 1);
            soon().until(() -> server.unanswered() == 1);
            try (AutoCloseable outage = backend.outage(callboard.callboard().dataSource())) {
                assertThat(outage).isNotNull();
                server.behave();
                soon().until(() -> server.unanswered() == 0);
            }
            soon().ignoreExceptions().until(() -> states(callboard).equals(List.of("sent")));
            assertThat(to(SLOW)).hasSize(1);
        }
    }
}
