package dev.callboard.testkit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.vertx.core.http.HttpServerRequest;
import java.time.Clock;
import java.util.List;
import java.util.UUID;

/**
 * Fotor's <a href="https://docs.fotor.com/reference/get-task">look-up of a task</a>, and its callbacks. The types {@code
 * avatar} and {@code ecommercelistingset} have their own results; those of all other types have one {@code resultUrl}.
 */
public final class SimulatedFotor extends SimulatedProvider {
    public static final String KEY = "fotor-key";

    private static final String PATH = "/v1/aiart/tasks/";
    private static final String BUSINESS_ID = "75f15294e55540e198bb19cc0a068fd2";

    /** How it answers for a task that it does not know, which Fotor does not document. */
    public enum Unknown {
        /** 200, the code 999 and no data. */
        CODE,
        /** 200, the code 000 and {@code "data": null}. */
        NULL_DATA,
        /** 404. */
        NOT_FOUND
    }

    private volatile Unknown unknown = Unknown.CODE;

    public SimulatedFotor() {
        this(Clock.systemUTC());
    }

    /** @param clock of the times in bodies */
    public SimulatedFotor(Clock clock) {
        super(clock);
    }

    /** Over TLS, with this certificate. */
    public SimulatedFotor(Certificates certificate) {
        super(certificate);
    }

    public void answerUnknownWith(Unknown unknown) {
        this.unknown = unknown;
    }

    /** Fails a task for its content: a look-up states it with {@code hasHsfw}. */
    public SimulatedTask refuse(String id) {
        return change(id, task -> task.with("2", null, task.urls(), true));
    }

    @Override
    protected String newId() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    @Override
    protected Statuses statuses(String type, List<String> urls) {
        return new Statuses("0", "0", "1", "2");
    }

    @Override
    protected String callback(SimulatedTask task) {
        return describe(JSON.createObjectNode(), task).toString();
    }

    private static ObjectNode describe(ObjectNode body, SimulatedTask task) {
        boolean oneUrl = !task.type().equals("avatar") && !task.type().equals("ecommercelistingset");
        body.put("taskId", task.id())
                .put("status", Integer.parseInt(task.status()))
                .put("businessId", BUSINESS_ID)
                .put("type", task.type())
                .put("resultUrl", oneUrl && !task.urls().isEmpty() ? task.urls().get(0) : "");
        if (task.type().equals("avatar") && task.status().equals("1")) {
            ArrayNode templates = body.putArray("avatarResult");
            for (int i = 0; i < task.urls().size(); i++) {
                templates
                        .addObject()
                        .put("templateId", "template-" + i)
                        .putArray("images")
                        .addObject()
                        .put("id", task.id() + "-" + i)
                        .put("url", task.urls().get(i))
                        .put("hasHsfw", task.flagged());
            }
        }
        return body;
    }

    @Override
    protected Lookup parse(HttpServerRequest request) {
        String id = request.path().startsWith(PATH) ? request.path().substring(PATH.length()) : "";
        return id.isEmpty() || id.contains("/") ? null : new Lookup("", List.of(id), false);
    }

    @Override
    protected boolean isAdmitted(HttpServerRequest request) {
        return ("Bearer " + KEY).equals(request.getHeader("Authorization"));
    }

    @Override
    protected Answer answer(Lookup lookup) {
        SimulatedTask task = find(lookup.taskIds().get(0));
        if (task == null) {
            return switch (unknown) {
                case CODE -> new Answer(200, envelope("999", "task not found").toString());
                case NULL_DATA -> new Answer(200, envelope("000", "success").toString());
                case NOT_FOUND -> error(404);
            };
        }
        boolean failed = task.status().equals("2");
        ObjectNode body = envelope("000", failed && task.reason() != null ? task.reason() : "success");
        ObjectNode data = describe(body.putObject("data"), task)
                .put("createTime", task.createdAt().toEpochMilli())
                .put("updateTime", task.updatedAt().toEpochMilli())
                .put("hasHsfw", task.flagged());
        if (task.type().equals("ecommercelistingset") && task.status().equals("1")) {
            ArrayNode scenes = data.putArray("result");
            for (String url : task.urls()) {
                scenes.addObject()
                        .put("name", "scene-" + scenes.size())
                        .put("success", true)
                        .put("url", url);
            }
            if (task.reason() != null) {
                scenes.addObject()
                        .put("name", "scene-" + scenes.size())
                        .put("success", false)
                        .put("error", task.reason());
            }
        }
        return new Answer(200, body.toString());
    }

    @Override
    protected Answer error(int status) {
        return new Answer(
                status,
                envelope("999", HttpResponseStatus.valueOf(status).reasonPhrase())
                        .toString());
    }

    private static ObjectNode envelope(String code, String msg) {
        return JSON.createObjectNode().put("code", code).put("msg", msg).putNull("data");
    }
}
