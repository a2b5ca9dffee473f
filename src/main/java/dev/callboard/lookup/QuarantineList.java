package dev.callboard.lookup;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.lookup.PageQuery.Detail;
import dev.callboard.lookup.PageQuery.KeyColumn;
import dev.callboard.lookup.PageQuery.Rows;
import java.sql.Connection;
import java.sql.SQLException;
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
        PageQuery query = PageQuery.descending(SELECT, KeyColumn.time("received_at"), KeyColumn.uuid("quarantine_id"))
                .whereEqual("provider", request.get(PROVIDER))
                .after(request.cursor());
        try (Connection connection = database.lookups().getConnection()) {
            Rows rows = query.read(connection, request.limit(), new Budget(), Detail.NONE);
            return Page.of(request, rows.rows(), rows.next());
        }
    }

    /**
     * The provider whose callbacks {@code DELETE /quarantine} dismisses.
     *
     * @throws InvalidParametersException if the query is anything but one {@code provider}: one that is mistyped would
     *     otherwise delete more than was meant
     */
    public String provider(Exchange exchange) throws InvalidParametersException {
        LookupRequest request = LookupRequest.of(exchange, "/quarantine", PROVIDER);
        boolean paged =
                request.get(Parameter.LIMIT).isPresent() || request.cursor().isPresent();
        return request.get(PROVIDER)
                .filter(provider -> !paged)
                .orElseThrow(() -> new InvalidParametersException(PROVIDER));
    }
}
