package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DeliveryScheduleTest {
    private static final Instant SINCE = Instant.parse("2026-03-01T12:00:00Z");
    private static final Duration GIVE_UP = Duration.ofDays(3);

    @ParameterizedTest(name = "after attempt {0}: {1} to {2} ms")
    @CsvSource({
        "1, 3750, 5000",
        "2, 7500, 10000",
        "3, 15000, 20000",
        "10, 1920000, 2560000",
        "11, 2700000, 3600000",
        "12, 2700000, 3600000",
        "1000, 2700000, 3600000",
        "2147483647, 2700000, 3600000"
    })
    void doublesUpToAnHour(int attempts, long earliest, long latest) {
        assertThat(DeliverySchedule.next(attempts, SINCE, SINCE, GIVE_UP, 0)).contains(SINCE.plusMillis(earliest));
        assertThat(DeliverySchedule.next(attempts, SINCE, SINCE, GIVE_UP, 1)).contains(SINCE.plusMillis(latest));
    }

    @ParameterizedTest(name = "{0} s before the end: next attempt {1} s before the end")
    @CsvSource({"7200, 3600", "3600, 0", "1800, 0", "1, 0", "0, ", "-1, ", "-86400, "})
    void attemptsForTheLastTimeWhenTheTimeIsOver(long before, Long next) {
        Instant end = SINCE.plus(GIVE_UP);
        assertThat(DeliverySchedule.next(50, end.minusSeconds(before), SINCE, GIVE_UP, 1))
                .isEqualTo(java.util.Optional.ofNullable(next).map(end::minusSeconds));
    }

    @ParameterizedTest(name = "after {0} failed probes: {1} s")
    @CsvSource({"0, 1", "1, 2", "2, 4", "5, 32", "6, 60", "7, 60", "1000000, 60"})
    void probesAtGrowingDistance(int probes, long seconds) {
        assertThat(DeliverySchedule.probe(probes)).isEqualTo(Duration.ofSeconds(seconds));
    }

    @Test
    void neverWaitsLessThanNothing() {
        assertThat(DeliverySchedule.next(0, SINCE, SINCE, GIVE_UP, 0)).contains(SINCE.plusMillis(3750));
    }
}
