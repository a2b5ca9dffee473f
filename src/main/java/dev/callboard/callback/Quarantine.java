package dev.callboard.callback;

import dev.callboard.text.SafeText;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;

/**
 * The bean {@code quarantine} of the route {@code keep-in-quarantine}: makes a body that could not be understood fit
 * for the table. It may hold what no database takes, such as U+0000. Safe for any number of threads.
 */
public final class Quarantine {
    private static final int REASON = 2000;

    /** The parameters of the INSERT, from the exchange's variables. */
    public Map<String, Object> row(Exchange exchange) {
        Map<String, Object> row = new HashMap<>();
        row.put("id", UUID.randomUUID());
        row.put("provider", exchange.getVariable("provider"));
        row.put("clientAddress", exchange.getVariable("clientAddress"));
        row.put("businessId", exchange.getVariable("businessId"));
        row.put("reason", SafeText.storable(exchange.getVariable("reason", String.class), REASON));
        String payload = SafeText.storable(exchange.getVariable("payload", "", String.class), Integer.MAX_VALUE);
        row.put("payload", payload);
        row.put("length", payload.length());
        return row;
    }
}
