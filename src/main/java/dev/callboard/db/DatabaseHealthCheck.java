package dev.callboard.db;

import dev.callboard.task.TaskStore;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/** Says DOWN while the database does not answer a look into the table that callbacks are kept in. */
public final class DatabaseHealthCheck extends AbstractHealthCheck {
    private final Database database;

    public DatabaseHealthCheck(Database database) {
        super("callboard", "database");
        this.database = database;
    }

    @Override
    protected void doCall(HealthCheckResultBuilder builder, Map<String, Object> options) {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(5);
            statement.execute("SELECT callback_id FROM callback FETCH FIRST 1 ROW ONLY");
            builder.up();
        } catch (SQLException e) {
            builder.message("the database does not answer (" + TaskStore.describe(e) + ")")
                    .down();
        }
    }
}
