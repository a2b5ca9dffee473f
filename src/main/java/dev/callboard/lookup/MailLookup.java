package dev.callboard.lookup;

import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.db.Transaction;
import dev.callboard.lookup.PageQuery.Detail;
import dev.callboard.lookup.PageQuery.KeyColumn;
import dev.callboard.lookup.PageQuery.Rows;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.apache.camel.Exchange;

/** The bean {@code mailLookup}: lists mails. Safe for use by any number of threads. */
public final class MailLookup {
    private static final String SELECT_MAILS = SqlFile.read("lookup").statement("select-mails");

    private static final Parameter<String> STATE =
            Parameter.oneOf("state", List.of("pending", "sent", "bounced", "suppressed"));

    /** A mail that some recipients accepted and others rejected is sent, and needs a person as one that bounced does. */
    private static final Parameter<String> REFUSED = Parameter.oneOf("refused", List.of("true"));

    private static final String IS_REFUSED = "mail_id IN (SELECT mail_id FROM mail_recipient WHERE state = 'rejected')";

    private final Database database;

    public MailLookup(Database database) {
        this.database = database;
    }

    /**
     * {@code GET /mails}: the mails, newest first.
     *
     * @throws InvalidParametersException if the query is not as expected
     */
    public Page list(Exchange exchange) throws InvalidParametersException, SQLException {
        LookupRequest request = LookupRequest.of(exchange, "/mails", STATE, REFUSED);
        PageQuery query = PageQuery.descending(SELECT_MAILS, KeyColumn.time("created_at"), KeyColumn.text("mail_id"))
                .whereEqual("state", request.get(STATE))
                .after(request.cursor());
        if (request.get(REFUSED).isPresent()) {
            query.where(IS_REFUSED);
        }
        try (Connection connection = database.lookups().getConnection()) {
            Rows mails = Transaction.run(connection, c -> query.read(c, request.limit(), new Budget(), Detail.NONE));
            return Page.of(request, mails.rows(), mails.next());
        }
    }
}
