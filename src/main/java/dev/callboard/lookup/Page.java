package dev.callboard.lookup;

import java.util.Optional;

/**
 * The answer to a look-up.
 *
 * @param content what becomes JSON
 * @param link the value of the header {@code Link} that leads to the next page; null on the last one
 */
public record Page(Object content, String link) {
    /** @param next where the next page begins; empty on the last one */
    static Page of(LookupRequest request, Object content, Optional<Cursor> next) {
        return new Page(content, next.map(request::next).orElse(null));
    }
}
