package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A database of an earlier version is migrated only if the migrations that created it still have the same text. */
final class MigrationTest {
    /**
     * The migrations of released versions, each with the checksum that Flyway gives its text. No version is released
     * yet. From the first on, a release adds its migrations here, and no line changes any more.
     */
    private static final Map<String, Integer> RELEASED = Map.of();

    /** Longer than the pool's limit for a lock, of 3 s; with 35 also longer than its limits of 15 s and 30 s. */
    private static final int LOCK_SECONDS = Integer.getInteger("callboard.lock.seconds", 4);

    @ParameterizedTest
    @EnumSource(Backend.class)
    void keepsTheTextOfEachReleasedMigration(Backend backend) throws Exception {
        try (Database database = Database.open(settings(backend))) {
            Map<String, Integer> applied = applied(database);
            assertThat(applied).containsAllEntriesOf(RELEASED);
            assertThat(applied)
                    .as("no more than one migration since the last release")
                    .hasSize(RELEASED.size() + 1);
        }
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void doesNotStartOnADatabaseOfAChangedMigration(Backend backend) throws Exception {
        Settings settings = settings(backend);
        try (Database database = Database.open(settings);
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "UPDATE \"flyway_schema_history\" SET \"checksum\" = \"checksum\" + 1 WHERE \"version\" = '001'");
        }

        assertThatThrownBy(() -> Database.open(settings).close())
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.database.url: ");
    }

    @ParameterizedTest
    @EnumSource(Backend.class)
    void doesNotStartOnTheTablesOfANewerVersion(Backend backend) throws Exception {
        Settings settings = settings(backend);
        try (Database database = Database.open(settings);
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    """
                    INSERT INTO "flyway_schema_history"
                    SELECT "installed_rank" + 1, '999', 'of a newer version', "type", 'V999__of_a_newer_version.sql',
                        "checksum", "installed_by", "installed_on", "execution_time", "success"
                      FROM "flyway_schema_history"
                     WHERE "version" = '001'
                    """);
        }

        assertThatThrownBy(() -> Database.open(settings).close())
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith(
                        "callboard.database.url: the tables are those of a newer Callboard (migration 999)");
    }

    /** The pool's time limits, of which the shortest is 3 s, do not apply. */
    @Test
    void waitsForAsLongAsAMigrationIsLocked() throws Exception {
        Settings settings = settings(Backend.POSTGRESQL);
        Database.open(settings).close();
        try (Connection other = DriverManager.getConnection(
                        settings.database().url(),
                        settings.database().user(),
                        settings.database().password());
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("LOCK TABLE \"flyway_schema_history\"");
            CompletableFuture<Database> opening = CompletableFuture.supplyAsync(() -> Database.open(settings));
            assertThatThrownBy(() -> opening.get(LOCK_SECONDS, TimeUnit.SECONDS))
                    .isInstanceOf(TimeoutException.class);
            other.rollback();
            opening.get().close();
        }
    }

    /** Each callback asks for its task. A plan that reads another index was ten times as slow within a minute. */
    @Test
    void readsATaskByItsKeyBeforeTheTableHasStatistics() throws Exception {
        StringBuilder plan = new StringBuilder();
        try (Database database = Database.open(settings(Backend.POSTGRESQL));
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet line = statement.executeQuery(
                        "EXPLAIN SELECT status FROM task WHERE provider = 'fotor' AND task_id = 'a'")) {
            while (line.next()) {
                plan.append(line.getString(1)).append('\n');
            }
        }
        assertThat(plan).contains("task_key").doesNotContain("Filter");
    }

    private static Settings settings(Backend backend) throws Exception {
        Properties properties = new Properties();
        properties.putAll(backend.newDatabase(TestCallboard.newFolder()));
        return Settings.read(Path.of("no-file"), Map.of(), properties);
    }

    private static Map<String, Integer> applied(Database database) throws SQLException {
        Map<String, Integer> applied = new TreeMap<>();
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "SELECT \"version\", \"checksum\" FROM \"flyway_schema_history\" WHERE \"version\" IS NOT NULL")) {
            while (row.next()) {
                applied.put(row.getString(1), row.getInt(2));
            }
        }
        return applied;
    }
}
