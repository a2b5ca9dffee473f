package dev.callboard.provider;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class LookupScheduleTest {
    private static final Instant OPENED = Instant.parse("2026-01-01T00:00:00Z");

    @ParameterizedTest
    @CsvSource({
        // lookups, minutes since it was opened, lookup-after, give-up-after in hours, next in minutes
        "0,    5,   5, 48, 10",
        "1,    5,   5, 48, 15",
        "2,   15,   5, 48, 35",
        "3,   35,   5, 48, 75",
        "4,   75,   5, 48, 135",
        "50, 600,   5, 48, 660",
        "1,  100, 120, 48, 220",
        // the last one is at the end
        "9, 2850,   5, 48, 2880",
        "0,   50,   5,  1, 55",
        "1,   55,   5,  1, 60",
    })
    void doublesTheIntervalUpToAnHour(int lookups, int minutes, int after, int giveUpHours, int next) {
        assertThat(LookupSchedule.next(
                        lookups,
                        OPENED.plus(Duration.ofMinutes(minutes)),
                        Duration.ofMinutes(after),
                        OPENED,
                        Duration.ofHours(giveUpHours)))
                .contains(OPENED.plus(Duration.ofMinutes(next)));
    }

    @ParameterizedTest
    @CsvSource({"2880", "2881", "100000"})
    void givesUpInTheEnd(int minutes) {
        assertThat(LookupSchedule.next(
                        1, OPENED.plus(Duration.ofMinutes(minutes)), Duration.ofMinutes(5), OPENED, Duration.ofDays(2)))
                .isEmpty();
    }

    @Test
    void looksATaskUpSomeFiftyTimesInTwoDays() {
        List<Instant> times = new ArrayList<>();
        Optional<Instant> next = Optional.of(OPENED.plus(Duration.ofMinutes(5)));
        while (next.isPresent()) {
            times.add(next.get());
            next = LookupSchedule.next(times.size(), next.get(), Duration.ofMinutes(5), OPENED, Duration.ofDays(2));
        }
        assertThat(times).hasSizeBetween(50, 53).last().isEqualTo(OPENED.plus(Duration.ofDays(2)));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 2", "3, 4", "5, 16", "6, 30", "1000, 30"})
    void pausesLongerWithEachFailureUpToHalfAMinute(int failures, int seconds) {
        assertThat(LookupSchedule.pause(failures)).isEqualTo(Duration.ofSeconds(seconds));
    }

    @ParameterizedTest
    @CsvSource({
        "401, , REFUSED,",
        "403, , UNAVAILABLE,",
        "400, , REJECTED,",
        "422, , REJECTED,",
        "408, , UNAVAILABLE,",
        "404, , NOT_FOUND,",
        "410, , NOT_FOUND,",
        "429, , THROTTLED,",
        "429, 7, THROTTLED, 7",
        "429, 0, THROTTLED, 1",
        "429, 999999, THROTTLED, 3600",
        "429, -5, THROTTLED,",
        "429, soon, THROTTLED,",
        "429, 99999999999999999999, THROTTLED,",
        "429, 'Thu, 01 Jan 2026 00:00:30 GMT', THROTTLED, 30",
        "429, 'Wed, 31 Dec 2025 23:00:00 GMT', THROTTLED, 1",
        "503, 20, UNAVAILABLE, 20",
        "500, 20, UNAVAILABLE,",
        "302, , UNAVAILABLE,",
        "204, , UNAVAILABLE,",
        "0, , UNAVAILABLE,",
    })
    void takesAStatusForWhatItMeans(int status, String retryAfter, LookupFailedException.Kind kind, Integer seconds) {
        LookupFailedException failure = LookupSteps.failure(status, retryAfter, OPENED);
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.retryAfter()).isEqualTo(Optional.ofNullable(seconds).map(Duration::ofSeconds));
    }

    @Test
    void spacesRequestsEvenly() {
        RequestRate rate = new RequestRate(4);
        long now = System.nanoTime();
        assertThat(rate.reserve(now)).isZero();
        assertThat(rate.reserve(now)).isEqualTo(Duration.ofMillis(250));
        assertThat(rate.reserve(now)).isEqualTo(Duration.ofMillis(500));
        assertThat(rate.reserve(now + Duration.ofSeconds(10).toNanos())).isZero();
    }
}
