package dev.callboard;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.time.Instant;
import java.util.function.Function;

/** Writes a driver's time as ISO 8601 in UTC. */
final class TimeSerializer<T> extends StdSerializer<T> {
    private static final long serialVersionUID = 1;

    private final transient Function<T, Instant> toInstant;

    TimeSerializer(Class<T> type, Function<T, Instant> toInstant) {
        super(type);
        this.toInstant = toInstant;
    }

    @Override
    public void serialize(T value, JsonGenerator json, SerializerProvider provider) throws IOException {
        json.writeString(toInstant.apply(value).toString());
    }
}
