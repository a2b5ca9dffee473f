package dev.callboard.task;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.callboard.task.InvalidAnnouncementException.Problem;
import dev.callboard.text.SafeText;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads announcements: one JSON object each, in UTF-8, with no other fields than those below. A field that is null is absent.
 * Immutable, and safe for use by any number of threads.
 */
final class AnnouncementReader {
    /** How long the JSON of an announcement may be; the longest that is of use has a tenth of it. */
    static final int MAX_BYTES = 16_384;

    private static final int MAX_TEXT = 200;
    private static final int MAX_NAME = 50;

    /** How many problems of an announcement are named. */
    private static final int MAX_PROBLEMS = 5;

    private static final Duration MIN_OVERDUE_AFTER = Duration.ofSeconds(1);
    private static final Duration MAX_OVERDUE_AFTER = Duration.ofDays(30);

    private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})([smh])");
    private static final Pattern FAMILY = Pattern.compile("[a-z0-9_]{1,50}");

    private static final String JSON_OBJECT = "to be one JSON object without duplicate keys";
    private static final String TEXT =
            "to be a text of 1 to " + MAX_TEXT + " characters, not all of them spaces, none a control character";

    private static final String PROVIDER = "provider";
    private static final String TASK_ID = "taskId";
    private static final Set<String> KEY_FIELDS = Set.of(PROVIDER, TASK_ID);

    /** In the order of the manual. */
    private static final List<String> FIELDS =
            List.of("type", "family", "businessId", "sourceTaskId", "expects", "overdueAfter");

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Set<String> providers;
    private final String providersExpected;

    /** @param providers the names of all providers */
    AnnouncementReader(Set<String> providers) {
        this.providers = providers;
        this.providersExpected = "to be one of " + String.join(", ", providers);
    }

    /**
     * The announcement of a task that the URL names.
     *
     * @param json its other fields; may be empty
     */
    Announcement read(String provider, String taskId, byte[] json) throws InvalidAnnouncementException {
        ObjectNode object = json.length == 0 ? JSON.createObjectNode() : parse(json);
        Fields fields = new Fields(object, Set.of());
        fields.check(PROVIDER, providers.contains(provider), providersExpected);
        fields.check(TASK_ID, isText(taskId), TEXT);
        return fields.announcement(provider, taskId);
    }

    /** The announcement of a task that the JSON names. */
    Announcement read(byte[] json) throws InvalidAnnouncementException {
        Fields fields = new Fields(parse(json), KEY_FIELDS);
        String provider = fields.required(PROVIDER, providers::contains, providersExpected);
        String taskId = fields.required(TASK_ID, AnnouncementReader::isText, TEXT);
        return fields.announcement(provider, taskId);
    }

    private static ObjectNode parse(byte[] json) throws InvalidAnnouncementException {
        if (json.length > MAX_BYTES) {
            throw InvalidAnnouncementException.ofBody("to have at most " + MAX_BYTES + " bytes");
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(json))
                    .toString();
            if (JSON.readTree(text) instanceof ObjectNode object) {
                return object;
            }
        } catch (CharacterCodingException e) {
            throw InvalidAnnouncementException.ofBody("to be UTF-8");
        } catch (JsonProcessingException e) {
            // Falls through to the message for all that is no object.
        }
        throw InvalidAnnouncementException.ofBody(JSON_OBJECT);
    }

    /** Whether a text can be an id, by the same rule as in the schemas of the providers. */
    static boolean isText(String text) {
        return !text.isBlank()
                && text.length() <= MAX_TEXT
                && text.codePoints()
                        .noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
    }

    static boolean isFamily(String text) {
        return FAMILY.matcher(text).matches();
    }

    /** The time that a text like {@code 30m} says; null if it is not as expected. */
    private static Duration duration(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        long count = Long.parseLong(matcher.group(1));
        Duration duration =
                switch (matcher.group(2)) {
                    case "s" -> Duration.ofSeconds(count);
                    case "m" -> Duration.ofMinutes(count);
                    default -> Duration.ofHours(count);
                };
        boolean inRange = duration.compareTo(MIN_OVERDUE_AFTER) >= 0 && duration.compareTo(MAX_OVERDUE_AFTER) <= 0;
        return inRange ? duration : null;
    }

    /** The fields of one object, and what is wrong with them. */
    private static final class Fields {
        private final ObjectNode object;
        private final List<Problem> problems = new ArrayList<>();

        /** @param more the fields that it may have beside {@link #FIELDS} */
        Fields(ObjectNode object, Set<String> more) {
            this.object = object;
            List<String> known =
                    Stream.concat(more.stream().sorted(), FIELDS.stream()).toList();
            object.fieldNames().forEachRemaining(name -> {
                if (!known.contains(name)) {
                    add(pointer(name), "not to be there; the fields are " + String.join(", ", known));
                }
            });
        }

        private static String pointer(String name) {
            return "/" + SafeText.line(name, MAX_NAME).replace("~", "~0").replace("/", "~1");
        }

        private void add(String field, String expected) {
            if (problems.size() < MAX_PROBLEMS) {
                problems.add(new Problem(field, expected));
            }
        }

        void check(String field, boolean isExpected, String expected) {
            if (!isExpected) {
                add(field, expected);
            }
        }

        String required(String name, Predicate<String> isExpected, String expected) {
            String text = optional(name, isExpected, expected);
            check(pointer(name), text != null || object.hasNonNull(name), expected);
            return text;
        }

        String optional(String name, Predicate<String> isExpected, String expected) {
            JsonNode value = object.get(name);
            if (value == null || value.isNull()) {
                return null;
            }
            if (value.isTextual() && isExpected.test(value.textValue())) {
                return value.textValue();
            }
            add(pointer(name), expected);
            return null;
        }

        private String text(String name) {
            return optional(name, AnnouncementReader::isText, TEXT);
        }

        Announcement announcement(String provider, String taskId) throws InvalidAnnouncementException {
            String type = text("type");
            String family = optional(
                    "family", AnnouncementReader::isFamily, "to be a text of 1 to 50 of the characters a-z 0-9 _");
            String businessId = text("businessId");
            String sourceTaskId = text("sourceTaskId");
            String expects = optional(
                    "expects",
                    ResultKind.codes()::contains,
                    ResultKind.codes().stream().collect(Collectors.joining(", ", "to be one of ", "")));
            String overdueAfter = optional(
                    "overdueAfter",
                    text -> duration(text) != null,
                    "to be a text like 90s, 30m or 2h, from 1s to 720h (30 days)");
            if (!problems.isEmpty()) {
                throw new InvalidAnnouncementException(problems);
            }
            return new Announcement(
                    new TaskKey(provider, taskId),
                    type,
                    family,
                    businessId,
                    sourceTaskId,
                    expects,
                    overdueAfter == null ? null : duration(overdueAfter),
                    false);
        }
    }
}
