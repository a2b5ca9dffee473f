package dev.callboard.testkit;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.vertx.core.http.HttpServerRequest;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/** Creatify's look-ups, of one task or up to 100 of a family, and its callbacks. */
public final class SimulatedCreatify extends SimulatedProvider {
    public static final String API_ID = "creatify-id";
    public static final String API_KEY = "creatify-key";
    public static final int MAX_IDS = 100;

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSxxx").withZone(ZoneOffset.ofHours(-7));

    private static final String PRODUCT = "product_to_videos";

    /** The families, each with the field of its result in a look-up. */
    private static final Map<String, String> RESULTS = Map.ofEntries(
            Map.entry(PRODUCT, "generated_video_url"),
            Map.entry("link_to_videos", "video_output"),
            Map.entry("lipsyncs", "output"),
            Map.entry("lipsyncs_v2", "output"),
            Map.entry("text_to_speech", "output"),
            Map.entry("aurora", "video_output"),
            Map.entry("ai_shorts", "video_output"),
            Map.entry("ads_clone", "video_output"),
            Map.entry("custom_template_jobs", "output"),
            Map.entry("asset_generator", "assets"),
            Map.entry("iab_images", "output"),
            Map.entry("inspiration_jobs", "output"));

    /** The families that name their result otherwise in a callback: {@code video_output}. */
    private static final Set<String> OTHER_IN_CALLBACKS = Set.of("text_to_speech", "custom_template_jobs");

    private volatile boolean documentedResults;

    public SimulatedCreatify() {
        this(Clock.systemUTC());
    }

    /** @param clock of the times in bodies */
    public SimulatedCreatify(Clock clock) {
        super(clock);
    }

    /** From now on asset_generator and iab_images give one URL, as documented, and not a list, as was seen. */
    public void sendDocumentedResults() {
        documentedResults = true;
    }

    @Override
    protected String newId() {
        return UUID.randomUUID().toString();
    }

    @Override
    protected Statuses statuses(String type, List<String> urls) {
        if (!RESULTS.containsKey(type)) {
            throw new IllegalArgumentException("no family " + type);
        }
        return switch (type) {
            case PRODUCT ->
                new Statuses(
                        "initializing",
                        urls.isEmpty() ? "image_generating" : "video_generating",
                        firstUrl(urls, true) == null ? "image_generated" : "video_generated",
                        "failed");
            case "asset_generator" -> new Statuses("initializing", "generating", "done", "failed");
            case "inspiration_jobs" -> new Statuses("in_queue", "running", "done", "failed");
            default -> new Statuses("pending", "running", "done", "failed");
        };
    }

    private static String firstUrl(List<String> urls, boolean video) {
        return urls.stream()
                .filter(url -> url.endsWith(".mp4") == video)
                .findFirst()
                .orElse(null);
    }

    @Override
    protected String callback(SimulatedTask task) {
        return describe(task, false).toString();
    }

    private ObjectNode describe(SimulatedTask task, boolean inLookup) {
        ObjectNode body = JSON.createObjectNode()
                .put("id", task.id())
                .put("status", task.status())
                .put("failed_reason", task.reason());
        String result =
                inLookup || !OTHER_IN_CALLBACKS.contains(task.type()) ? RESULTS.get(task.type()) : "video_output";
        switch (task.type()) {
            case PRODUCT -> describeProduct(body, task);
            case "asset_generator", "iab_images" -> describeFiles(body, result, task);
            default ->
                body.put(result, task.urls().isEmpty() ? null : task.urls().get(0));
        }
        if (task.type().equals("link_to_videos") && inLookup) {
            ArrayNode outputs = body.putArray("outputs");
            task.urls().forEach(outputs::add);
            body.putArray("previews");
        }
        return body;
    }

    private static void describeProduct(ObjectNode body, SimulatedTask task) {
        body.put("type", "product_anyshot")
                .put("product_url", "https://shop.example.com/p/42")
                .put("aspect_ratio", "9x16")
                .putNull("override_avatar")
                .putNull("motion_style")
                .put("product_showcase_url", "https://cdn.example.com/p/42.png")
                .put("image_prompt", "a mug on a wooden table, morning light")
                .put("video_prompt", "slow push in")
                .put("generated_photo_url", firstUrl(task.urls(), false))
                .put("generated_video_url", firstUrl(task.urls(), true))
                .put("created_at", TIME.format(task.createdAt()))
                .put("updated_at", TIME.format(task.updatedAt()))
                .put("webhook_url", "https://callboard.example.com/callbacks/creatify");
    }

    private void describeFiles(ObjectNode body, String result, SimulatedTask task) {
        if (task.urls().isEmpty()) {
            body.putNull(result);
        } else if (documentedResults) {
            body.put(result, task.urls().get(0));
        } else {
            ArrayNode files = body.putArray(result);
            for (String url : task.urls()) {
                ObjectNode file = files.addObject().put("type", "image").put("url", url);
                file.put("name", "file-" + files.size());
                if (task.type().equals("asset_generator")) {
                    file.put("id", "asset-" + files.size()).put("thumbnail_url", url);
                } else {
                    file.put("size", "300x250");
                }
            }
        }
    }

    /** {@code /api/<family>/<id>/} or {@code /api/<family>/?ids=<id>,<id>}. */
    @Override
    protected Lookup parse(HttpServerRequest request) {
        String[] parts = request.path().split("/", -1);
        if (parts.length < 4 || !parts[1].equals("api") || !RESULTS.containsKey(parts[2])) {
            return null;
        }
        String ids = request.getParam("ids");
        if (parts.length == 4 && parts[3].isEmpty() && ids != null) {
            return new Lookup(parts[2], Stream.of(ids.split(",")).distinct().toList(), true);
        }
        boolean single = parts.length == 5 && !parts[3].isEmpty() && parts[4].isEmpty();
        return single ? new Lookup(parts[2], List.of(parts[3]), false) : null;
    }

    @Override
    protected boolean isAdmitted(HttpServerRequest request) {
        return API_ID.equals(request.getHeader("X-API-ID")) && API_KEY.equals(request.getHeader("X-API-KEY"));
    }

    /** Many tasks are answered in the opposite order, since none is documented. */
    @Override
    protected Answer answer(Lookup lookup) {
        if (lookup.taskIds().size() > MAX_IDS) {
            return error(400);
        }
        ArrayNode found = JSON.createArrayNode();
        for (String id : lookup.taskIds()) {
            SimulatedTask task = find(id);
            if (task != null && task.type().equals(lookup.family())) {
                found.insert(0, describe(task, true));
            }
        }
        if (lookup.bulk()) {
            return new Answer(200, found.toString());
        }
        return found.isEmpty() ? error(404) : new Answer(200, found.get(0).toString());
    }

    @Override
    protected Answer error(int status) {
        String detail =
                switch (status) {
                    case 401 -> "Authentication credentials were not provided.";
                    case 404 -> "No Task matches the given query.";
                    default -> HttpResponseStatus.valueOf(status).reasonPhrase();
                };
        return new Answer(status, JSON.createObjectNode().put("detail", detail).toString());
    }
}
