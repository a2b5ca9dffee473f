package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.settings.AddressRange;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import jakarta.mail.internet.MimeMultipart;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What people hear of refused callers: one line a minute and address, a counter, one mail a day and provider. */
class RejectionTest {
    private final HandClock clock = new HandClock();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final Rejections refusals = new Rejections(clock, meters);

    private static final class HandClock extends Clock {
        private Instant now = Instant.parse("2025-05-30T23:50:00Z");

        void forward(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private void refuse(String address) {
        String place = Client.place(AddressRange.parseAddress(address).orElseThrow());
        refusals.note(
                "fotor", new CallerRejectedException(RejectionReason.ADDRESS, place, address + " is not allowed"));
    }

    @Test
    void saysOneLineAMinuteAndAddress() {
        try (Logged log = new Logged()) {
            for (int i = 0; i < 50; i++) {
                refuse("203.0.113.7");
            }
            refuse("203.0.113.8");
            assertThat(log.lines())
                    .containsExactly(
                            "WARN refused a caller of fotor: 203.0.113.7 is not allowed",
                            "WARN refused a caller of fotor: 203.0.113.8 is not allowed");
            clock.forward(Duration.ofSeconds(59));
            refuse("203.0.113.7");
            assertThat(log.lines()).hasSize(2);
            clock.forward(Duration.ofSeconds(1));
            refuse("203.0.113.7");
            assertThat(log.lines())
                    .hasSize(3)
                    .last()
                    .asString()
                    .endsWith("(50 more from there since the last such line)");
        }
    }

    @Test
    void takesAnIpv6NetworkForOneAddress() {
        try (Logged log = new Logged()) {
            refuse("2001:db8:1:2::1");
            refuse("2001:db8:1:2:ffff:ffff:ffff:ffff");
            refuse("2001:db8:1:3::1");
            assertThat(log.lines()).hasSize(2);
        }
    }

    @Test
    void keepsTheTableAndTheLogBoundedWhoeverCalls() {
        try (Logged log = new Logged()) {
            RejectionLog bounded = new RejectionLog(clock);
            for (int i = 0; i < 100_000; i++) {
                bounded.note("fotor", "10." + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255), "x");
            }
            assertThat(bounded.size()).isEqualTo(RejectionLog.MAX_PLACES);
            assertThat(log.lines())
                    .hasSize(RejectionLog.MAX_PLACES + 1)
                    .last()
                    .asString()
                    .contains("more than 1000");
            clock.forward(RejectionLog.PAUSE);
            bounded.note("fotor", "192.0.2.1", "y");
            assertThat(bounded.size()).isEqualTo(1);
            assertThat(log.lines()).last().asString().endsWith("fotor: y");
        }
    }

    @Test
    void tellsOnceADayWithAddressesAndCounts() {
        refuse("203.0.113.7");
        refuse("203.0.113.7");
        refuse("203.0.113.8");
        assertThat(refusals.untold())
                .containsExactly(
                        Map.of(
                                "provider", "fotor",
                                "toldOnce", "refused fotor 2025-05-30",
                                "detail",
                                        "203.0.113.7: 2 times, not in the allow list\n203.0.113.8: once, not in the allow list"));
        refuse("203.0.113.8");
        refusals.told("fotor", 1);
        assertThat(refusals.untold()).isEmpty();
        refuse("203.0.113.9");
        assertThat(refusals.untold()).isEmpty();
        clock.forward(Duration.ofMinutes(10));
        assertThat(refusals.untold()).singleElement().satisfies(alert -> assertThat(alert)
                .containsEntry("toldOnce", "refused fotor 2025-05-31")
                .containsEntry(
                        "detail",
                        "203.0.113.8: once, not in the allow list\n203.0.113.9: once, not in the allow list"));
    }

    @Test
    void keepsForTomorrowWhatTodaysMailDoesNotSay() {
        refuse("203.0.113.7");
        assertThat(refusals.untold()).hasSize(1);
        refusals.told("fotor", 0);
        assertThat(refusals.untold()).isEmpty();
        clock.forward(Duration.ofDays(1));
        assertThat(refusals.untold()).singleElement().satisfies(alert -> assertThat(alert.get("detail"))
                .startsWith("203.0.113.7: once"));
    }

    @Test
    void triesAgainWhatCouldNotBeStored() {
        refuse("203.0.113.7");
        assertThat(refusals.untold()).hasSize(1);
        assertThat(refusals.untold()).hasSize(1);
    }

    @Test
    void fitsTheAlertWhoeverCalls() {
        for (int i = 0; i < 3000; i++) {
            refuse("2001:db8:" + Integer.toHexString(i) + ":ffff:ffff:ffff:ffff:ffff");
        }
        String detail = refusals.untold().get(0).get("detail");
        assertThat(detail).hasSizeLessThan(4000).endsWith("from other addresses: 2980 times");
        assertThat(detail.lines()).hasSize(21);
    }

    @Test
    void countsEachRefusalByReason() {
        refuse("203.0.113.7");
        refuse("203.0.113.7");
        assertThat(meters.counter("callboard.callers.refused", "provider", "fotor", "reason", "address")
                        .count())
                .isEqualTo(2);
    }

    /** The routes of this project, but with somebody to tell each half second. */
    private static String impatientRoutes() {
        return TestCallboard.editedRoutes("tell-refusals", text -> text.replace("delay: \"5000\"", "delay: \"500\"")
                .replace("period: \"60000\"", "period: \"500\""));
    }

    @Test
    void mailsWhoWasRefusedOnceADay() throws Exception {
        try (TestCallboard callboard = TestCallboard.start(
                Backend.H2, Map.of("callboard.trial", "false", "callboard.routes", impatientRoutes()))) {
            for (int i = 0; i < 3; i++) {
                assertThat(RawHttp.status(callboard.port, "127.0.0.8", RawHttp.postJson("/callbacks/fotor")))
                        .isEqualTo(403);
            }
            Awaitility.await().until(() -> callboard.mails().size() == 1);
            var mail = callboard.mails().get(0);
            assertThat(mail.getSubject()).isEqualTo("Fotor: callers were refused");
            var parts = (MimeMultipart) mail.getContent();
            for (int part = 0; part < 2; part++) {
                assertThat(String.valueOf(parts.getBodyPart(part).getContent()))
                        .containsPattern("127\\.0\\.0\\.8: (once|[23] times), not in the allow list")
                        .contains("callboard.fotor.allowed-sources")
                        .doesNotContain("{{", "Status");
            }
            assertThat(RawHttp.status(callboard.port, "127.0.0.7", RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(403);
            callboard.assertNothingKept();
            String metrics = callboard.manage("/observe/metrics").body();
            assertThat(metrics).contains("callboard_callers_refused_total{provider=\"fotor\",reason=\"address\"} 4.0");
            callboard.stop();
            callboard.startAgain();
            assertThat(RawHttp.status(callboard.port, "127.0.0.7", RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(403);
            Awaitility.await().during(Duration.ofSeconds(2)).until(() -> callboard.count("alert") == 1);
            assertThat(callboard.mails()).hasSize(1);
        }
    }

    @Test
    void makesNoWorkForTheDatabase() {
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, Map.of("callboard.trial", "false"))) {
            for (int i = 0; i < 100; i++) {
                RawHttp.status(callboard.port, "127.0.0.8", RawHttp.postJson("/callbacks/fotor"));
            }
            assertThat(List.of(callboard.count("alert"), callboard.count("callback")))
                    .allMatch(rows -> rows <= 1);
            callboard.assertNothingKept();
        }
    }
}
