package dev.callboard;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.camel.component.jackson.JacksonDataFormat;
import org.apache.camel.spi.DataFormat;
import org.apache.camel.spi.TypeConverterRegistry;
import org.apache.camel.support.SimpleTypeConverter;

/** The ways in which the routes use JSON. */
final class Json {
    private Json() {}

    /** The data format of callbacks: one JSON value, without duplicate keys and without text after its end. */
    static DataFormat strict() {
        ObjectMapper mapper = JsonMapper.builder()
                .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
        return new JacksonDataFormat(mapper, JsonNode.class);
    }

    /**
     * Has {@code convertBodyTo: java.util.Map} make a map of a parsed object as Jackson's own converter does, without
     * writing and reading all of it again. The nesting is as deep as the parser allows.
     */
    static void convertTrees(TypeConverterRegistry converters) {
        converters.addTypeConverter(
                Map.class,
                ObjectNode.class,
                new SimpleTypeConverter(false, (type, exchange, tree) -> value((ObjectNode) tree)));
    }

    private static Object value(JsonNode node) {
        switch (node.getNodeType()) {
            case OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                node.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
                return map;
            }
            case ARRAY -> {
                List<Object> list = new ArrayList<>(node.size());
                node.forEach(element -> list.add(value(element)));
                return list;
            }
            case STRING -> {
                return node.textValue();
            }
            case NUMBER -> {
                return node.numberValue();
            }
            case BOOLEAN -> {
                return node.booleanValue();
            }
            default -> {
                return null;
            }
        }
    }

    /** For the answers of the management port: times as ISO 8601 in UTC, whichever class the database's driver returns. */
    static ObjectMapper management() {
        SimpleModule times = new SimpleModule();
        times.addSerializer(Timestamp.class, new TimeSerializer<>(Timestamp.class, Timestamp::toInstant));
        times.addSerializer(
                OffsetDateTime.class, new TimeSerializer<>(OffsetDateTime.class, OffsetDateTime::toInstant));
        return JsonMapper.builder().addModule(times).build();
    }

    private static final class TimeSerializer<T> extends StdSerializer<T> {
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
}
