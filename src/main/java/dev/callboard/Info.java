package dev.callboard;

import dev.callboard.db.Database;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/** The bean {@code info} of {@code GET /observe/info}. Immutable. */
public final class Info {
    private final Instant startedAt;
    private final String database;

    Info(Database database, Clock clock) {
        this.startedAt = clock.instant();
        this.database = database.isH2() ? "h2" : "postgresql";
    }

    /** What runs here; nothing that a stranger could use. */
    public Map<String, Object> show() {
        Map<String, Object> info = new LinkedHashMap<>();
        info.put("name", "callboard");
        info.put("version", Version.current());
        info.put("java", Runtime.version().toString());
        info.put("database", database);
        info.put("startedAt", startedAt.toString());
        return info;
    }
}
