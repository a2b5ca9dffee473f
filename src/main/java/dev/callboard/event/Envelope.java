package dev.callboard.event;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The JSON of an event, which {@code src/docs/event.schema.json} describes. It is written once, when the change is
 * recorded.
 */
final class Envelope {
    /** Of {@code data}; it grows when a field is removed or means something else, not when one is added. */
    private static final int VERSION = 1;

    private static final ObjectMapper JSON = new ObjectMapper();

    private Envelope() {}

    static String write(TaskEvent event) {
        ObjectNode data = JSON.createObjectNode()
                .put("eventId", event.id().toString())
                .put("version", VERSION)
                .put("provider", event.provider())
                .put("taskId", event.taskId())
                .put("outcome", event.outcome())
                .put("previousOutcome", event.previousOutcome())
                .put("status", event.status())
                .put("taskType", event.taskType())
                .put("businessId", event.businessId())
                .put("sourceTaskId", event.sourceTaskId())
                .put("failureReason", event.failureReason());
        ArrayNode results = data.putArray("results");
        event.results().forEach(file -> results.addObject()
                .put("kind", file.kind())
                .put("url", file.url())
                .put("externalId", file.externalId())
                .put("templateId", file.templateId())
                .put("flagged", file.flagged()));
        data.put("occurredAt", Objects.toString(event.occurredAt(), null))
                .put("changedAt", event.changedAt().toString())
                .put("origin", event.origin());
        ObjectNode envelope = JSON.createObjectNode()
                .put("type", event.type())
                .put("timestamp", event.createdAt().toString());
        envelope.set("data", data);
        return envelope.toString();
    }

    /** The fields of {@code data}: texts, numbers, and a list of maps for the files. A field that is null is null. */
    static Map<String, Object> data(String envelope) {
        try {
            Map<String, Object> fields = new LinkedHashMap<>();
            JSON.readTree(envelope)
                    .path("data")
                    .properties()
                    .forEach(field -> fields.put(field.getKey(), value(field.getValue())));
            return fields;
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an event is no JSON", e);
        }
    }

    private static Object value(JsonNode node) {
        if (node.isArray()) {
            List<Object> list = new ArrayList<>();
            node.forEach(element -> list.add(value(element)));
            return list;
        }
        if (node.isObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            node.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
            return map;
        }
        if (node.isNull()) {
            return null;
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        return node.isNumber() ? node.numberValue() : node.textValue();
    }
}
