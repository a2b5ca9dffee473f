package dev.callboard.lookup;

import java.util.Map;

/**
 * How long the texts of a page may be together, so that an answer fits into a small heap whatever the rows hold. A page ends
 * with the row that spends it, and has one row at least. Used by one thread.
 */
final class Budget {
    /** As long as the longest body by default. */
    private static final int MAX_CHARACTERS = 1 << 20;

    private long left = MAX_CHARACTERS;

    boolean isSpent() {
        return left <= 0;
    }

    void spend(Map<String, Object> fields) {
        fields.values().forEach(value -> left -= value instanceof String text ? text.length() : 0);
    }
}
