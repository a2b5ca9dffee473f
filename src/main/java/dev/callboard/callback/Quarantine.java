package dev.callboard.callback;

import dev.callboard.text.SafeText;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;

/**
 * The bean {@code quarantine} of the route {@code quarantine-callback}. Safe for use by any number of threads.
 *
 * <p>An invalid body can contain what no database stores, such as U+0000; it is replaced.
 */
public final class Quarantine {
    private static final int MAX_REASON = 2000;

    /** The parameters of {@code insert-quarantined-callback.sql}, from the exchange's variables. */
    public Map<String, Object> row(Exchange exchange) {
        String payload = SafeText.storable(exchange.getVariable("payload", "", String.class), Integer.MAX_VALUE);
        Map<String, Object> row = new HashMap<>();
        row.put("id", UUID.randomUUID());
        row.put("provider", exchange.getVariable("provider"));
        row.put("clientAddress", exchange.getVariable("clientAddress"));
        row.put("businessId", exchange.getVariable("businessId"));
        row.put("reason", SafeText.storable(exchange.getVariable("reason", String.class), MAX_REASON));
        row.put("payload", payload);
        row.put("length", payload.length());
        return row;
    }
}
