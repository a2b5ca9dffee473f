package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How long a mail waits before it is attempted again. */
final class RetryBackoffTest {
    @ParameterizedTest
    @CsvSource({
        "1, 1, 5000",
        "1, 0, 3750",
        "1, 0.5, 4375",
        "2, 1, 10000",
        "3, 1, 20000",
        "3, 0, 15000",
        "10, 1, 2560000",
        "11, 1, 3600000",
        "11, 0, 2700000",
        "1000, 1, 3600000",
        "2147483647, 1, 3600000"
    })
    void doublesUpToAnHourAndIsShortenedByUpToAQuarter(int attempts, double random, long milliseconds) {
        assertThat(RetryBackoff.delay(attempts, random)).isEqualTo(Duration.ofMillis(milliseconds));
    }
}
