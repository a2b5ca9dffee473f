package dev.callboard.text;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;

/** The header {@code Retry-After} of an answer (RFC 9110, section 10.2.3). */
public final class RetryAfter {
    private static final Duration MIN = Duration.ofSeconds(1);
    private static final Duration MAX = Duration.ofHours(1);

    private RetryAfter() {}

    /**
     * How long a server wants no request, from a second to an hour.
     *
     * @param value seconds, which some servers send with a fraction, or a date; may be null
     * @return empty if the value is neither
     */
    public static Optional<Duration> read(String value, Instant now) {
        if (value == null) {
            return Optional.empty();
        }
        String text = value.strip();
        Duration wait;
        try {
            wait = text.matches("\\d{1,9}(\\.\\d{1,9})?")
                    ? Duration.ofMillis((long) Math.ceil(Double.parseDouble(text) * 1000))
                    : Duration.between(
                            now,
                            ZonedDateTime.parse(
                                    text,
                                    DateTimeFormatter.RFC_1123_DATE_TIME
                                            .withLocale(Locale.ROOT)
                                            .withZone(ZoneOffset.UTC)));
        } catch (DateTimeException e) {
            return Optional.empty();
        }
        if (wait.compareTo(MIN) < 0) {
            return Optional.of(MIN);
        }
        return Optional.of(wait.compareTo(MAX) > 0 ? MAX : wait);
    }
}
