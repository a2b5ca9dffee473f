package dev.callboard.lookup;

import com.fasterxml.jackson.databind.util.RawValue;
import dev.callboard.db.Database;
import dev.callboard.db.SqlFile;
import dev.callboard.db.Transaction;
import dev.callboard.lookup.PageQuery.Detail;
import dev.callboard.lookup.PageQuery.KeyColumn;
import dev.callboard.lookup.PageQuery.Rows;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;

/** The bean {@code eventLookup}: lists events. Safe for use by any number of threads. */
public final class EventLookup {
    private static final String SELECT_EVENTS = SqlFile.read("lookup").statement("select-events");
    private static final int MAX_ID = 200;

    private static final Parameter<String> STATE = Parameter.oneOf("state", List.of("pending", "delivered", "dead"));
    private static final Parameter<String> PROVIDER = Parameter.provider("provider");
    private static final Parameter<String> TASK = Parameter.text("taskId", MAX_ID);
    private static final Parameter<Instant> SINCE = Parameter.time("since");

    private final Database database;

    public EventLookup(Database database) {
        this.database = database;
    }

    /**
     * {@code GET /events}: the events, newest first.
     *
     * @throws InvalidParametersException if the query is not as expected
     */
    public Page list(Exchange exchange) throws InvalidParametersException, SQLException {
        LookupRequest request = LookupRequest.of(exchange, "/events", STATE, PROVIDER, TASK);
        PageQuery query = PageQuery.descending(SELECT_EVENTS, KeyColumn.number("position"))
                .where("state = ?", request.get(STATE))
                .where("provider = ?", request.get(PROVIDER))
                .where("task_id = ?", request.get(TASK))
                .after(request.cursor());
        try (Connection connection = database.lookups().getConnection()) {
            Rows events = Transaction.run(connection, c -> query.read(c, request.limit(), new Budget(), Detail.NONE));
            events.rows().forEach(EventLookup::embed);
            return Page.of(request, events.rows(), events.next());
        }
    }

    private static void embed(Map<String, Object> event) {
        event.computeIfPresent("data", (name, data) -> new RawValue((String) data));
    }

    /**
     * The time since which {@code POST /events/replay} sends events again.
     *
     * @throws InvalidParametersException if the query is anything but one {@code since}
     */
    public Instant since(Exchange exchange) throws InvalidParametersException {
        LookupRequest request = LookupRequest.of(exchange, "/events/replay", SINCE);
        boolean paged =
                request.get(Parameter.LIMIT).isPresent() || request.cursor().isPresent();
        return request.get(SINCE).filter(since -> !paged).orElseThrow(() -> new InvalidParametersException(SINCE));
    }
}
