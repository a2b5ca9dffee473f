package dev.callboard.lookup;

import java.util.List;
import java.util.Optional;

/**
 * The answer to a look-up.
 *
 * @param content what becomes JSON
 * @param link the value of the header {@code Link} that leads to the next page; null on the last one
 */
public record Page(Object content, String link) {
    /** The rows of a list. */
    static Page of(LookupRequest request, List<?> rows, Optional<Cursor> next) {
        return new Page(rows, next.map(request::next).orElse(null));
    }
}
