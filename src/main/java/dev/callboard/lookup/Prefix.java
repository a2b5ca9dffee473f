package dev.callboard.lookup;

import java.util.Optional;

/**
 * Searching for texts that begin with another, in a column whose order is by code point (PostgreSQL) or by UTF-16 unit
 * (H2). The range finds them in an index, and may hold a few others; the pattern decides.
 */
final class Prefix {
    private Prefix() {}

    /** A text behind all that begin with the prefix, in both orders; empty if there is none. */
    static Optional<String> end(String prefix) {
        int length = prefix.length();
        while (length > 0) {
            int last = prefix.codePointBefore(length);
            length -= Character.charCount(last);
            // U+10000 follows U+FFFF by code point, but precedes it by UTF-16 unit.
            if (last != 0xFFFF && last != Character.MAX_CODE_POINT) {
                // Surrogates are no characters of their own.
                int next = last + 1 == Character.MIN_SURROGATE ? Character.MAX_SURROGATE + 1 : last + 1;
                return Optional.of(prefix.substring(0, length) + Character.toString(next));
            }
        }
        return Optional.empty();
    }

    /** For {@code LIKE ? ESCAPE '!'}: what begins with the prefix, in which no character is a wildcard. */
    static String pattern(String prefix) {
        return prefix.replaceAll("[!%_]", "!$0") + "%";
    }
}
