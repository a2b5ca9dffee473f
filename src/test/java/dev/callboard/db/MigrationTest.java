package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import org.junit.jupiter.api.Test;

/** A database of an earlier version is brought up to date only if the migrations that made it are as they were. */
final class MigrationTest {
    /** A later version adds a line, and changes none: Flyway would refuse every database that ran another text. */
    @Test
    void keepsTheTextOfEachMigration() {
        try (TestCallboard callboard = TestCallboard.start(Backend.H2)) {
            assertThat(callboard.rows("SELECT \"version\", \"checksum\" FROM \"flyway_schema_history\""
                            + " WHERE \"version\" IS NOT NULL ORDER BY \"version\""))
                    .extracting(row -> row.get("version") + " " + row.get("checksum"))
                    .containsExactly(
                            "001 1865455940",
                            "002 1655444935",
                            "003 -1825750814",
                            "004 -461008161",
                            "005 -1751126375",
                            "006 -676364426");
        }
    }
}
