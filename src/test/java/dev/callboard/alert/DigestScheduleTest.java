package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When the next mail about a provider and kind is due, and how long after it the digest that follows. */
final class DigestScheduleTest {
    private static final Instant NOON = Instant.parse("2026-07-01T12:00:00Z");

    /** Times are seconds after noon, at which the last mail was created. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                // case                                       kind      oldest last interval, sent  base   due interval
                "the first mail goes out at once              | failed  |    0 |    - | -     |   300 |    0 |  300",
                "the first flagged ones are gathered          | flagged |    0 |    - | -     |   300 |  300 |  300",
                "another kind of a route goes out at once     | odd     |    0 |    - | -     |   300 |    0 |  300",
                "one that follows a mail waits                | failed  |    1 |  300 | true  |   300 |  300 |  600",
                "one that was raised before the mail waits    | failed  |   -1 |  300 | true  |   300 |  300 |  600",
                "one at the very end of the interval waits    | failed  |  299 |  300 | true  |   300 |  300 |  600",
                "one after the interval goes out at once      | failed  |  300 |  300 | true  |   300 |  300 |  300",
                "one much later goes out at once              | failed  | 9000 | 3600 | true  |   300 | 9000 |  300",
                "one after a quiet time goes out at once      | failed  |  400 | 2400 | true  |   300 |  400 |  300",
                "flagged ones after a quiet time are gathered | flagged |  400 |  300 | true  |   300 |  700 |  300",
                "flagged ones that follow a mail wait         | flagged |    1 |  300 | true  |   300 |  300 |  600",
                "the interval doubles                         | failed  |    1 |  600 | true  |   300 |  600 | 1200",
                "the interval doubles up to an hour           | failed  |    1 | 2400 | true  |   300 | 2400 | 3600",
                "the interval stays an hour                   | failed  |    1 | 3600 | true  |   300 | 3600 | 3600",
                "a longer interval of the settings stays      | failed  |    1 | 7200 | true  |  7200 | 7200 | 7200",
                "the first missed ones are gathered           | missed  |    0 |    - | -     |   300 |   300 | 86400",
                "missed ones that follow a mail wait a day    | missed  |    1 | 86400 | true |   300 | 86400 | 86400",
                "missed ones wait a day after a quiet time    | missed  | 9000 | 86400 | true |   300 | 86400 | 86400",
                "missed ones late in the day are gathered too | missed  | 86200 | 86400 | true |  300 | 86500 | 86400",
                "missed ones of the next day are gathered     | missed  | 90000 | 86400 | true |  300 | 90300 | 86400",
                "missed ones wait a day for an unsent mail    | missed  |    1 | 86400 | false |  300 | 86400 | 86400",
                "missed ones wait a day whatever the interval | missed  |    1 | 86400 | true |  3600 | 86400 | 86400",
                "all wait while the last mail is not sent     | failed  | 9000 |  300 | false |   300 |  300 |  600",
            })
    void isDueAtOnceAfterAQuietTimeAndInGrowingIntervalsElse(
            String description,
            String kind,
            long oldest,
            Long lastInterval,
            Boolean sent,
            long base,
            long due,
            long interval) {
        Optional<DigestSchedule.LastMail> last = Optional.ofNullable(lastInterval)
                .map(seconds -> new DigestSchedule.LastMail(
                        NOON.plusSeconds(base), NOON.plusSeconds(seconds), Duration.ofSeconds(seconds), sent));
        assertThat(DigestSchedule.next(AlertKind.of(kind), NOON.plusSeconds(oldest), last, Duration.ofSeconds(base)))
                .isEqualTo(new DigestSchedule.NextMail(NOON.plusSeconds(due), Duration.ofSeconds(interval)));
    }
}
