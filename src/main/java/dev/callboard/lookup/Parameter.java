package dev.callboard.lookup;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * A query parameter that a look-up takes at most once.
 *
 * @param name its name in the URL
 * @param expected what its value is expected to be, for the answer to another one: {@code to be ...}
 * @param read the meaning of a value; empty if the value is not as expected
 */
public record Parameter<T>(String name, String expected, Function<String, Optional<T>> read) {
    /** How many rows a page has at most, unless the request says otherwise. */
    public static final int DEFAULT_LIMIT = 100;

    private static final int MAX_LIMIT = 1000;

    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");

    /** What both databases store and people write. */
    private static final Instant MIN_TIME = Instant.parse("0001-01-01T00:00:00Z");

    private static final Instant MAX_TIME = Instant.parse("9999-12-31T23:59:59.999999999Z");

    /** How many rows a page may have. Every list takes it. */
    static final Parameter<Integer> LIMIT = new Parameter<>(
            "limit",
            "to be a number from 1 to " + MAX_LIMIT,
            text -> NUMBER.matcher(text).matches()
                    ? Optional.of(Integer.parseInt(text)).filter(limit -> limit >= 1 && limit <= MAX_LIMIT)
                    : Optional.empty());

    /** Where a page begins. Every list takes it. */
    static final Parameter<Cursor> CURSOR =
            new Parameter<>("cursor", "to be the one in the next link of this list", Cursor::decode);

    /** One of a few words. */
    public static Parameter<String> oneOf(String name, List<String> words) {
        return new Parameter<>(
                name,
                words.size() == 1 ? "to be " + words.get(0) : "to be one of " + String.join(", ", words),
                text -> Optional.of(text).filter(words::contains));
    }

    /** The name of a provider, whether it is configured or not. */
    public static Parameter<String> provider(String name) {
        Pattern pattern = Pattern.compile("[a-z][a-z0-9-]{0,49}");
        return new Parameter<>(
                name, "to be a provider's name: lower-case letters, digits and hyphens", text -> Optional.of(text)
                        .filter(value -> pattern.matcher(value).matches()));
    }

    /**
     * A text that a table can hold: not empty, without U+0000.
     *
     * @param maxLength in UTF-16 units
     */
    public static Parameter<String> text(String name, int maxLength) {
        return new Parameter<>(
                name, "to have 1 to " + maxLength + " characters and no U+0000", text -> Optional.of(text)
                        .filter(value -> !value.isEmpty() && value.length() <= maxLength && value.indexOf('\0') < 0));
    }

    /** A time with its offset from UTC. */
    public static Parameter<Instant> time(String name) {
        return new Parameter<>(
                name,
                "to be a time in ISO 8601, such as 2026-11-24T09:30:00Z or, with + written as %2B,"
                        + " 2026-11-24T10:30:00%2B01:00",
                Parameter::readTime);
    }

    private static Optional<Instant> readTime(String text) {
        try {
            return Optional.of(OffsetDateTime.parse(text).toInstant()).filter(Parameter::isStorable);
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    static boolean isStorable(Instant time) {
        return !time.isBefore(MIN_TIME) && !time.isAfter(MAX_TIME);
    }
}
