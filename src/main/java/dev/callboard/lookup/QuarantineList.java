package dev.callboard.lookup;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.apache.camel.Exchange;

/**
 * The bean {@code quarantineList} of {@code GET /quarantine}: the quarantined callbacks, newest first. Safe for use by any
 * number of threads.
 */
public final class QuarantineList {
    private static final String SELECT = SqlFile.read("quarantine").statement("select-callbacks");

    private static final Parameter<String> PROVIDER = Parameter.provider("provider");

    private final Database database;

    public QuarantineList(Database database) {
        this.database = database;
    }

    /**
     * A page of the list.
     *
     * @throws InvalidParametersException if the request has other parameters than {@code provider}, {@code limit} and
     *     {@code cursor}, or a value that is not as expected
     */
    public Page page(Exchange exchange) throws InvalidParametersException, SQLException {
        LookupRequest request = LookupRequest.of(exchange, "/quarantine", PROVIDER);
        PageQuery query = PageQuery.descending(SELECT, "received_at", "quarantine_id")
                .whereEqual("provider", request.get(PROVIDER));
        if (request.cursor().isPresent()) {
            Cursor after = request.cursor().get();
            query.after(List.of(after.time(0), after.uuid(1)));
        }
        try (Connection connection = database.dataSource().getConnection()) {
            PageQuery.Rows rows = query.read(connection, request.limit(), new Budget());
            return Page.of(request, rows.fields(), rows.next());
        }
    }
}
