package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.SettableClock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** The requests of the last day that were answered 403 and 503. */
final class RequestCountsTest {
    private static final Instant NOON = Instant.parse("2026-07-01T12:00:00Z");

    private final SettableClock clock = new SettableClock(NOON);
    private final MeterRegistry registry = new SimpleMeterRegistry();

    private void reject(String provider, String reason) {
        registry.counter("callboard.callers.rejected", "provider", provider, "reason", reason)
                .increment();
    }

    private void answer(int status) {
        registry.counter("callboard.http.responses", "status", String.valueOf(status))
                .increment();
    }

    @Test
    void countSinceTheStartForADayAndThenSinceADayAgo() {
        reject("fotor", "address");
        RequestCounts requests = new RequestCounts(registry, clock);
        assertThat(requests.of("fotor")).isEqualTo(new RequestCounts.Counts(NOON, 0, 0));

        reject("fotor", "address");
        reject("fotor", "token");
        reject("creatify", "token");
        answer(503);
        answer(200);
        assertThat(requests.of("fotor")).isEqualTo(new RequestCounts.Counts(NOON, 2, 1));
        assertThat(requests.of("creatify")).isEqualTo(new RequestCounts.Counts(NOON, 1, 1));
        assertThat(requests.of("other")).isEqualTo(new RequestCounts.Counts(NOON, 0, 1));

        clock.advance(Duration.ofMinutes(90));
        requests.sample();
        reject("fotor", "token");
        clock.advance(Duration.ofDays(1).minusSeconds(1));
        assertThat(requests.of("fotor")).isEqualTo(new RequestCounts.Counts(NOON, 3, 1));
        clock.advance(Duration.ofSeconds(1));
        assertThat(requests.of("fotor")).isEqualTo(new RequestCounts.Counts(NOON.plus(Duration.ofMinutes(90)), 1, 0));
    }
}
