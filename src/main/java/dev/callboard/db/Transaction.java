package dev.callboard.db;

import java.sql.Connection;
import java.sql.SQLException;

/** A transaction: all of its statements take effect, or none. */
public final class Transaction {
    private Transaction() {}

    /** The statements of a transaction. */
    @FunctionalInterface
    public interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    /**
     * Runs statements in a transaction of this connection, which is in auto-commit mode again afterwards.
     *
     * @return what the work returns
     * @throws SQLException from the statements or the commit; the transaction is then rolled back
     */
    public static <T> T run(Connection connection, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try {
            T result = work.run(connection);
            connection.commit();
            connection.setAutoCommit(true);
            return result;
        } catch (SQLException | RuntimeException e) {
            try {
                connection.rollback();
            } catch (SQLException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }
}
