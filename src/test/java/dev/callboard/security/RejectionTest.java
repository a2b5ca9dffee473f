package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.settings.AddressRange;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import jakarta.mail.internet.MimeMultipart;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Reports about rejected callers: one log line a minute and address, a counter, and one mail a day and provider. */
class RejectionTest {
    private final SettableClock clock = new SettableClock(Instant.parse("2025-05-30T23:50:00Z"));
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final Rejections rejections = new Rejections(clock, meters);

    private void reject(String address) {
        rejections.add("fotor", rejection(address));
    }

    private static CallerRejectedException rejection(String address) {
        String network = Client.network(AddressRange.parseAddress(address).orElseThrow());
        return new CallerRejectedException(RejectionReason.ADDRESS, network, address, "what to do");
    }

    @Test
    void logsOneLineAMinuteAndAddress() {
        try (Logged log = new Logged()) {
            for (int i = 0; i < 50; i++) {
                reject("203.0.113.7");
            }
            reject("203.0.113.8");
            assertThat(log.lines())
                    .containsExactly(
                            "WARN rejected caller provider=fotor client=203.0.113.7 reason=address (what to do)",
                            "WARN rejected caller provider=fotor client=203.0.113.8 reason=address (what to do)");
            clock.advance(Duration.ofSeconds(59));
            reject("203.0.113.7");
            assertThat(log.lines()).hasSize(2);
            clock.advance(Duration.ofSeconds(1));
            reject("203.0.113.7");
            assertThat(log.lines())
                    .hasSize(3)
                    .last()
                    .asString()
                    .endsWith(" client=203.0.113.7 reason=address suppressed=50 (what to do)");
        }
    }

    @Test
    void logsAnIpv6NetworkAsOneAddress() {
        try (Logged log = new Logged()) {
            reject("2001:db8:1:2::1");
            reject("2001:db8:1:2:ffff:ffff:ffff:ffff");
            reject("2001:db8:1:3::1");
            assertThat(log.lines()).hasSize(2);
        }
    }

    @Test
    void boundsTheLogAndItsMemory() {
        try (Logged log = new Logged()) {
            CallerLog bounded = new CallerLog("rejected caller", clock);
            for (int i = 0; i < 100_000; i++) {
                bounded.log("10." + (i >> 16) + "." + (i >> 8 & 255) + "." + (i & 255), "client=x", "what to do");
            }
            assertThat(bounded.size()).isEqualTo(CallerLog.MAX_NETWORKS);
            assertThat(log.lines())
                    .hasSize(CallerLog.MAX_NETWORKS + 1)
                    .last()
                    .asString()
                    .contains("more than 1000 networks");
            clock.advance(CallerLog.INTERVAL);
            bounded.log("192.0.2.1", "client=192.0.2.1", "what to do");
            assertThat(bounded.size()).isEqualTo(1);
            assertThat(log.lines()).last().asString().contains(" client=192.0.2.1 ");
        }
    }

    @Test
    void reportsAddressesAndCountsOnceADay() {
        reject("203.0.113.7");
        reject("203.0.113.7");
        reject("203.0.113.8");
        assertThat(rejections.unreported())
                .containsExactly(
                        Map.of(
                                "alertKind", "refused",
                                "provider", "fotor",
                                "detail",
                                        "203.0.113.7: 2 times, not in the allow list\n203.0.113.8: once, not in the allow list"));
        reject("203.0.113.8");
        rejections.reported("refused", "fotor", 1);
        assertThat(rejections.unreported()).isEmpty();
        reject("203.0.113.9");
        assertThat(rejections.unreported()).isEmpty();
        clock.advance(Duration.ofMinutes(10));
        assertThat(rejections.unreported()).singleElement().satisfies(alert -> assertThat(alert)
                .containsEntry(
                        "detail",
                        "203.0.113.8: once, not in the allow list\n203.0.113.9: once, not in the allow list"));
    }

    @Test
    void reportsOnTheNextDayTheCallersAfterTodaysMail() {
        reject("203.0.113.7");
        assertThat(rejections.unreported()).hasSize(1);
        rejections.reported("refused", "fotor", 0);
        assertThat(rejections.unreported()).isEmpty();
        clock.advance(Duration.ofDays(1));
        assertThat(rejections.unreported()).singleElement().satisfies(alert -> assertThat(alert.get("detail"))
                .startsWith("203.0.113.7: once"));
    }

    @Test
    void reportsAgainIfTheAlertCouldNotBeStored() {
        reject("203.0.113.7");
        assertThat(rejections.unreported()).hasSize(1);
        assertThat(rejections.unreported()).hasSize(1);
    }

    @Test
    void boundsTheDetailOfTheAlert() {
        for (int i = 0; i < 3000; i++) {
            reject("2001:db8:" + Integer.toHexString(i) + ":ffff:ffff:ffff:ffff:ffff");
        }
        String detail = rejections.unreported().get(0).get("detail");
        assertThat(detail).hasSizeLessThan(4000).endsWith("from other addresses: 2980 times");
        assertThat(detail.lines()).hasSize(21);
    }

    @Test
    void countsRejectedCallersByReason() {
        reject("203.0.113.7");
        reject("203.0.113.7");
        assertThat(meters.counter("callboard.callers.rejected", "provider", "fotor", "reason", "address")
                        .count())
                .isEqualTo(2);
    }

    @Test
    void mailsRejectedCallersOnceADay() throws Exception {
        try (TestCallboard callboard = TestCallboard.start(Backend.H2, Map.of("callboard.trial", "false"))) {
            for (int i = 0; i < 3; i++) {
                assertThat(RawHttp.status(callboard.port, "127.0.0.8", RawHttp.postJson("/callbacks/fotor")))
                        .isEqualTo(403);
            }
            callboard.run("report-rejections");
            Awaitility.await().until(() -> callboard.mails().size() == 1);
            var mail = callboard.mails().get(0);
            assertThat(mail.getSubject()).isEqualTo("Fotor: callers rejected, callbacks may be lost");
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
            assertThat(metrics).contains("callboard_callers_rejected_total{provider=\"fotor\",reason=\"address\"} 4.0");
            callboard.stop();
            callboard.startAgain();
            assertThat(RawHttp.status(callboard.port, "127.0.0.7", RawHttp.postJson("/callbacks/fotor")))
                    .isEqualTo(403);
            callboard.run("report-rejections");
            assertThat(callboard.count("alert")).isEqualTo(1);
            assertThat(callboard.mails()).hasSize(1);
        }
    }

    @Test
    void storesNothingForEachRejectedCaller() {
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
