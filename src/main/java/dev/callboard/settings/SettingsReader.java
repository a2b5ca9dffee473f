package dev.callboard.settings;

import dev.callboard.text.Similar;
import java.io.IOException;
import java.io.Reader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads {@link Settings}: gathers the values of all sources, rejects unknown keys and parses each value. Every limit of a
 * setting is declared here and nowhere else. Used once, by one thread.
 */
final class SettingsReader {
    /** The settings of each provider with their defaults, in the order of {@code application.properties}. */
    private static final Map<String, String> PROVIDER_DEFAULTS = providerDefaults();

    /** Every fixed key with its default, in the order of {@code application.properties}. */
    static final Map<String, String> DEFAULTS = defaults();

    private static final String PREFIX = "callboard.";
    private static final String VARIABLE_PREFIX = "CALLBOARD_";

    private static final String PROVIDER_SETTINGS = String.join("|", PROVIDER_DEFAULTS.keySet());
    private static final Pattern PROVIDER_KEY = Pattern.compile("callboard\\.(?!events\\.)(?:([a-z][a-z0-9-]*)\\.(?:"
            + PROVIDER_SETTINGS + ")|alerts\\.provider\\.([a-z][a-z0-9-]*)\\.to)");
    private static final Pattern PROVIDER_VARIABLE =
            Pattern.compile("CALLBOARD_(?!EVENTS_GIVE_UP_AFTER$)(?:([A-Z0-9_]+?)_(?:" + variable(PROVIDER_SETTINGS)
                    + ")|ALERTS_PROVIDER_([A-Z0-9_]+)_TO)");
    private static final Pattern KIND_KEY =
            Pattern.compile("callboard\\.alerts\\.kind\\.(" + Settings.Alerts.KIND + ")\\.to");
    private static final Pattern KIND_VARIABLE = Pattern.compile("CALLBOARD_ALERTS_KIND_([A-Z0-9_]+)_TO");

    /** What Kubernetes and Docker set in each container for a service whose name begins with callboard. */
    private static final Pattern PLATFORM_VARIABLE = Pattern.compile("CALLBOARD_([A-Z0-9_]+_)?"
            + "(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)");

    private static final Pattern PLATFORM_PORT = Pattern.compile("(tcp|udp|sctp)://.*");

    private static final int MIN_BODY_BYTES = 1024;
    private static final int MAX_BODY_BYTES = 100 * 1024 * 1024;
    private static final int MAX_IN_FLIGHT = 10_000;
    private static final int MAX_CONNECTIONS = 100_000;
    private static final Duration MIN_HTTP_TIMEOUT = Duration.ofMillis(100);
    private static final Duration MAX_HTTP_TIMEOUT = Duration.ofHours(1);
    private static final Duration MIN_ALERT_INTERVAL = Duration.ofSeconds(1);
    private static final Duration MAX_ALERT_INTERVAL = Duration.ofDays(1);
    private static final Duration MIN_LOOKUP_TIME = Duration.ofSeconds(1);
    private static final Duration MAX_LOOKUP_TIME = Duration.ofDays(30);
    private static final Duration MIN_EVENT_TIME = Duration.ofMinutes(1);
    private static final Duration MAX_EVENT_TIME = Duration.ofDays(365);
    private static final int MAX_LOOKUP_BATCH = 1000;
    private static final int MAX_LOOKUPS_PER_SECOND = 1000;

    private final Path file;
    private final Map<String, String> environment;
    private final Properties systemProperties;

    SettingsReader(Path file, Map<String, String> environment, Properties systemProperties) {
        this.file = file;
        this.environment = environment;
        this.systemProperties = systemProperties;
    }

    private static Map<String, String> defaults() {
        Map<String, String> defaults = new LinkedHashMap<>();
        defaults.put("callboard.http.host", "127.0.0.1");
        defaults.put("callboard.http.port", "8080");
        defaults.put("callboard.management.host", "127.0.0.1");
        defaults.put("callboard.management.port", "9876");
        defaults.put("callboard.management.allowed-hosts", "");
        defaults.put("callboard.management.password", "");
        defaults.put("callboard.management.url", "");
        defaults.put("callboard.http.max-in-flight", "256");
        defaults.put("callboard.http.max-connections", "1000");
        defaults.put("callboard.http.header-timeout", "10s");
        defaults.put("callboard.http.body-timeout", "30s");
        defaults.put("callboard.http.idle-timeout", "60s");
        defaults.put("callboard.trial", "false");
        defaults.put("callboard.database.url", Settings.Database.DEFAULT_URL);
        defaults.put("callboard.database.user", "sa");
        defaults.put("callboard.database.password", "");
        defaults.put("callboard.trusted-proxies", "");
        defaults.put("callboard.retention", "");
        PROVIDER_DEFAULTS.forEach((setting, value) -> defaults.put("callboard.fotor." + setting, value));
        defaults.put("callboard.fotor.allowed-sources", "54.212.95.175, 44.236.127.35");
        defaults.put("callboard.fotor.api-url", "https://api-b.fotor.com");
        // Its API has a key alone.
        defaults.remove("callboard.fotor.api-id");
        PROVIDER_DEFAULTS.forEach((setting, value) -> defaults.put("callboard.creatify." + setting, value));
        defaults.put("callboard.creatify.api-url", "https://api.creatify.ai");
        defaults.put("callboard.creatify.lookup-batch", "100");
        defaults.put("callboard.max-body-bytes", "1048576");
        defaults.put("callboard.alerts.to", "ops@localhost");
        defaults.put("callboard.alerts.from", "callboard@localhost");
        defaults.put("callboard.alerts.interval", "5m");
        defaults.put("callboard.alerts.time-zone", "UTC");
        defaults.put(Settings.Alerts.WEBHOOK_URL, "");
        defaults.put(Settings.Alerts.WEBHOOK_FORMAT, "");
        defaults.put("callboard.mail.host", "");
        defaults.put("callboard.mail.port", "587");
        defaults.put("callboard.mail.username", "");
        defaults.put("callboard.mail.password", "");
        defaults.put("callboard.mail.security", "starttls");
        defaults.put("callboard.mail.directory", "data/mail");
        defaults.put("callboard.mail.templates", "");
        defaults.put("callboard.events.enabled", "auto");
        defaults.put("callboard.events.url", "");
        defaults.put("callboard.events.secret", "");
        defaults.put("callboard.events.give-up-after", "3d");
        defaults.put("callboard.events.keep", "7d");
        defaults.put("callboard.routes", "file:routes/*.camel.yaml");
        defaults.put("callboard.routes.reload", "false");
        defaults.put("callboard.log.level", "info");
        defaults.put("callboard.log.format", "text");
        return Collections.unmodifiableMap(defaults);
    }

    private static Map<String, String> providerDefaults() {
        Map<String, String> defaults = new LinkedHashMap<>();
        defaults.put("allowed-sources", "");
        defaults.put("token", "");
        defaults.put("api-url", "");
        defaults.put("api-id", "");
        defaults.put("api-key", "");
        defaults.put("lookup-batch", "1");
        defaults.put("lookups-per-second", "2");
        defaults.put("lookup-after", "5m");
        defaults.put("give-up-after", "48h");
        defaults.put("overdue-after", "1h");
        return Collections.unmodifiableMap(defaults);
    }

    /** @throws StartException if a key is unknown or a value is not valid */
    Settings read() {
        Map<String, String> given = given();
        Map<String, String> values = new LinkedHashMap<>(DEFAULTS);
        values.putAll(given);
        RouteFolder folder = RouteFolder.of(value("callboard.routes", values).strip());
        Set<String> providers = folder.providers();
        for (String provider : providers) {
            PROVIDER_DEFAULTS.forEach((setting, value) -> values.putIfAbsent(PREFIX + provider + "." + setting, value));
            values.putIfAbsent(Settings.Alerts.keyOfProvider(provider), "");
        }
        for (String variable : environment.keySet()) {
            Matcher kind = KIND_VARIABLE.matcher(variable);
            if (kind.matches()) {
                values.putIfAbsent(Settings.Alerts.keyOfKind(kind.group(1).toLowerCase(Locale.ROOT)), "");
            }
        }
        Set<String> known = values.keySet().stream()
                .filter(key -> isKnown(key, providers))
                .collect(Collectors.toCollection(LinkedHashSet::new));
        checkKeys(given.keySet(), known, folder);
        checkVariables(known, folder);
        // The default of a provider without files stays, since a route file may name it all the same.
        values.keySet().removeIf(key -> !known.contains(key) && !DEFAULTS.containsKey(key));
        values.replaceAll((key, value) -> value(key, values).strip());
        // A route that needs the URL then stops the start with a message that names the key.
        values.entrySet()
                .removeIf(entry ->
                        entry.getKey().endsWith(".api-url") && entry.getValue().isEmpty());
        Settings settings = parse(new SettingValues(values), folder);
        check(settings);
        return settings;
    }

    private static void checkKeys(Set<String> given, Set<String> known, RouteFolder folder) {
        for (String key : given) {
            if (!known.contains(key)) {
                throw StartException.of(
                        key,
                        providerIn(PROVIDER_KEY.matcher(key))
                                .map(provider -> noProvider(provider, folder))
                                .orElseGet(() -> noSetting(key, known, ".")));
            }
        }
    }

    /** A misspelled variable would be ignored, and the value of the file or the default would apply. */
    private void checkVariables(Set<String> known, RouteFolder folder) {
        Set<String> variables =
                known.stream().map(SettingsReader::variable).collect(Collectors.toCollection(LinkedHashSet::new));
        for (String variable : new TreeSet<>(environment.keySet())) {
            boolean isOurs = variable(variable).startsWith(VARIABLE_PREFIX) && !isOfPlatform(variable);
            if (isOurs && !variables.contains(variable)) {
                throw StartException.of(
                        variable,
                        providerIn(PROVIDER_VARIABLE.matcher(variable))
                                .map(provider -> noProvider(provider.toLowerCase(Locale.ROOT), folder))
                                .orElseGet(() -> noSetting(variable(variable), variables, "_")));
            }
        }
    }

    private boolean isOfPlatform(String variable) {
        return PLATFORM_VARIABLE.matcher(variable).matches()
                || (variable.endsWith("_PORT")
                        && PLATFORM_PORT.matcher(environment.get(variable)).matches());
    }

    /** What the file and the system properties set. */
    private Map<String, String> given() {
        Map<String, String> given = new TreeMap<>(readFile());
        for (String name : systemProperties.stringPropertyNames()) {
            if (name.startsWith(PREFIX)) {
                given.put(name, systemProperties.getProperty(name));
            }
        }
        return given;
    }

    private Map<String, String> readFile() {
        Map<String, String> found = new TreeMap<>();
        if (!Files.exists(file)) {
            return found;
        }
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException e) {
            throw new StartException(file + ": can't be read (" + e.getMessage() + ")", e);
        }
        for (String name : properties.stringPropertyNames()) {
            if (name.startsWith(PREFIX)) {
                found.put(name, properties.getProperty(name));
            }
        }
        return found;
    }

    /** The value of a key, from its environment variable unless a system property sets it. */
    private String value(String key, Map<String, String> values) {
        String variable = variable(key);
        boolean set = environment.containsKey(variable) && systemProperties.getProperty(key) == null;
        return set ? environment.get(variable) : values.get(key);
    }

    private static String variable(String key) {
        return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    private static boolean isKnown(String key, Set<String> providers) {
        return providerIn(PROVIDER_KEY.matcher(key))
                .map(providers::contains)
                .orElseGet(
                        () -> DEFAULTS.containsKey(key) || KIND_KEY.matcher(key).matches());
    }

    /** The name of the provider in a key or a variable that is about one. */
    private static Optional<String> providerIn(Matcher name) {
        return name.matches() ? Optional.of(name.group(1) == null ? name.group(2) : name.group(1)) : Optional.empty();
    }

    private static String noProvider(String name, RouteFolder folder) {
        return "there is no provider " + name + "; " + folder.path() + " has a route file and a schema for "
                + String.join(", ", folder.providers());
    }

    /** Suggests the key or variable with the nearest spelling, else one with the same last word. */
    private static String noSetting(String name, Set<String> known, String separator) {
        String last = name.substring(name.lastIndexOf(separator));
        if (name.startsWith("callboard.alerts.kind.") && name.endsWith(".to")) {
            return "the name of an alert kind has 1 to 20 lower-case letters, digits and _, and begins with a letter";
        }
        return "there is no such setting"
                + Similar.nearest(name, known)
                        .or(() -> known.stream()
                                .filter(candidate -> candidate.endsWith(last))
                                .findFirst())
                        .map(candidate -> "; did you mean " + candidate + "?")
                        .orElse("");
    }

    private static Settings parse(SettingValues values, RouteFolder folder) {
        boolean trial = values.flag("callboard.trial");
        return new Settings(
                http(values),
                new Settings.Management(
                        values.text("callboard.management.host"),
                        values.port("callboard.management.port"),
                        values.hostNames("callboard.management.allowed-hosts"),
                        values.password("callboard.management.password"),
                        values.shownUrl("callboard.management.url")),
                trial,
                values.ranges("callboard.trusted-proxies"),
                providers(values, folder.providers(), trial),
                new Settings.Database(
                        values.text("callboard.database.url"),
                        values.get("callboard.database.user"),
                        values.get("callboard.database.password")),
                values.optionalDays("callboard.retention"),
                alerts(values, folder.providers()),
                mail(values),
                events(values),
                new Settings.Routes(
                        values.get("callboard.routes"),
                        folder.include(),
                        folder.path(),
                        folder.files(),
                        values.flag("callboard.routes.reload")),
                values.oneOf("callboard.log.level", Settings.LogLevel.values(), Settings.LogLevel::code),
                values.oneOf("callboard.log.format", Settings.LogFormat.values(), Settings.LogFormat::code),
                values.all());
    }

    private static Settings.Http http(SettingValues values) {
        return new Settings.Http(
                values.text("callboard.http.host"),
                values.port("callboard.http.port"),
                values.integer("callboard.max-body-bytes", MIN_BODY_BYTES, MAX_BODY_BYTES),
                values.integer("callboard.http.max-in-flight", 1, MAX_IN_FLIGHT),
                values.integer("callboard.http.max-connections", 1, MAX_CONNECTIONS),
                values.duration("callboard.http.header-timeout", MIN_HTTP_TIMEOUT, MAX_HTTP_TIMEOUT),
                values.duration("callboard.http.body-timeout", MIN_HTTP_TIMEOUT, MAX_HTTP_TIMEOUT),
                values.duration("callboard.http.idle-timeout", MIN_HTTP_TIMEOUT, MAX_HTTP_TIMEOUT));
    }

    private static SortedMap<String, Settings.Provider> providers(
            SettingValues values, Set<String> names, boolean trial) {
        SortedMap<String, Settings.Provider> providers = new TreeMap<>();
        for (String name : names) {
            String key = PREFIX + name + ".allowed-sources";
            providers.put(
                    name,
                    new Settings.Provider(
                            values.sources(key, trial),
                            values.list(key),
                            values.tokens(PREFIX + name + ".token"),
                            lookups(values, PREFIX + name)));
        }
        return Collections.unmodifiableSortedMap(providers);
    }

    private static Settings.Lookups lookups(SettingValues values, String prefix) {
        return new Settings.Lookups(
                values.baseUrl(prefix + ".api-url"),
                values.secret(prefix + ".api-id"),
                values.secret(prefix + ".api-key"),
                values.integer(prefix + ".lookup-batch", 1, MAX_LOOKUP_BATCH),
                values.integer(prefix + ".lookups-per-second", 1, MAX_LOOKUPS_PER_SECOND),
                values.duration(prefix + ".lookup-after", MIN_LOOKUP_TIME, MAX_LOOKUP_TIME),
                values.duration(prefix + ".give-up-after", MIN_LOOKUP_TIME, MAX_LOOKUP_TIME),
                values.duration(prefix + ".overdue-after", MIN_LOOKUP_TIME, MAX_LOOKUP_TIME));
    }

    private static Settings.Alerts alerts(SettingValues values, Set<String> providers) {
        Map<String, String> toByProvider = new TreeMap<>();
        for (String provider : providers) {
            String to = values.get(Settings.Alerts.keyOfProvider(provider));
            if (!to.isEmpty()) {
                toByProvider.put(provider, to);
            }
        }
        Map<String, String> toByKind = new TreeMap<>();
        for (String key : values.all().keySet()) {
            Matcher kind = KIND_KEY.matcher(key);
            if (kind.matches() && !values.get(key).isEmpty()) {
                toByKind.put(kind.group(1), values.get(key));
            }
        }
        return new Settings.Alerts(
                values.get(Settings.Alerts.TO),
                values.get(Settings.Alerts.FROM),
                Collections.unmodifiableMap(toByProvider),
                Collections.unmodifiableMap(toByKind),
                values.duration("callboard.alerts.interval", MIN_ALERT_INTERVAL, MAX_ALERT_INTERVAL),
                values.timeZone("callboard.alerts.time-zone"),
                webhook(values));
    }

    private static Optional<Settings.Webhook> webhook(SettingValues values) {
        Optional<URI> url = values.secretUrl(Settings.Alerts.WEBHOOK_URL);
        Optional<String> code = values.optionalText(Settings.Alerts.WEBHOOK_FORMAT);
        Optional<Settings.WebhookFormat> format = Arrays.stream(Settings.WebhookFormat.values())
                .filter(candidate -> code.filter(candidate.code()::equals).isPresent())
                .findFirst();
        if (format.isEmpty() && (url.isPresent() || code.isPresent())) {
            // Its value may be a URL that was pasted into the wrong line.
            throw StartException.of(
                    Settings.Alerts.WEBHOOK_FORMAT,
                    (code.isEmpty()
                                    ? "is needed with " + Settings.Alerts.WEBHOOK_URL
                                    : "is not known (the value is not shown)")
                            + "; it is one of "
                            + Arrays.stream(Settings.WebhookFormat.values())
                                    .map(Settings.WebhookFormat::code)
                                    .collect(Collectors.joining(", ")));
        }
        return url.map(given -> new Settings.Webhook(given, format.get()));
    }

    private static Settings.Mail mail(SettingValues values) {
        return new Settings.Mail(
                values.optionalText("callboard.mail.host"),
                values.port("callboard.mail.port"),
                values.oneOf("callboard.mail.security", Settings.MailSecurity.values(), Settings.MailSecurity::code),
                values.optionalText("callboard.mail.username"),
                values.get("callboard.mail.password"),
                Path.of(values.text("callboard.mail.directory")),
                values.optionalText("callboard.mail.templates").map(Path::of));
    }

    private static Settings.Events events(SettingValues values) {
        return new Settings.Events(
                values.oneOf("callboard.events.enabled", Settings.EventsEnabled.values(), Settings.EventsEnabled::code),
                values.receiverUrl("callboard.events.url"),
                values.signingSecrets("callboard.events.secret"),
                values.duration("callboard.events.give-up-after", MIN_EVENT_TIME, MAX_EVENT_TIME),
                values.duration("callboard.events.keep", MIN_EVENT_TIME, MAX_EVENT_TIME));
    }

    /** The rules that concern more than one setting. */
    private static void check(Settings settings) {
        settings.providers().forEach((name, provider) -> {
            if (provider.tokens().isEmpty() && containsAllAddresses(provider.allowedSources())) {
                throw StartException.of(
                        PREFIX + name + ".allowed-sources",
                        "admits every address, so it needs " + PREFIX + name + ".token");
            }
            if (provider.lookups().apiId().isPresent()
                    && provider.lookups().apiKey().isEmpty()) {
                throw StartException.of(PREFIX + name + ".api-key", "is needed with " + PREFIX + name + ".api-id");
            }
            if (provider.lookups().apiKey().isPresent()
                    && provider.lookups().apiId().isEmpty()
                    && DEFAULTS.containsKey(PREFIX + name + ".api-id")) {
                throw StartException.of(PREFIX + name + ".api-id", "is needed with " + PREFIX + name + ".api-key");
            }
        });
        if (containsAllAddresses(settings.trustedProxies())) {
            throw StartException.of(
                    "callboard.trusted-proxies", "names every address, so no client address can be determined");
        }
        if (settings.trial()) {
            checkTrial(settings);
        }
        checkManagement(settings.management());
        checkMail(settings.mail());
    }

    private static void checkManagement(Settings.Management management) {
        if (!AddressRange.isLoopbackName(management.host())
                && management.password().isEmpty()) {
            throw StartException.of(
                    "callboard.management.password",
                    "is needed, since callboard.management.host=" + management.host()
                            + " is not on loopback (create one with: openssl rand -hex 24)");
        }
    }

    private static boolean containsAllAddresses(List<AddressRange> ranges) {
        return ranges.stream().anyMatch(range -> range.prefix() == 0);
    }

    private static void checkTrial(Settings settings) {
        if (!AddressRange.isLoopbackName(settings.http().host())) {
            throw StartException.of(
                    "callboard.trial",
                    "admits this machine itself, so it needs callboard.http.host on loopback, not "
                            + settings.http().host());
        }
        if (!settings.trustedProxies().isEmpty()) {
            throw StartException.of(
                    "callboard.trial",
                    "admits this machine itself, and so every client of a proxy on it; it can't be used together with"
                            + " callboard.trusted-proxies");
        }
    }

    private static void checkMail(Settings.Mail mail) {
        if (mail.security() != Settings.MailSecurity.NONE) {
            return;
        }
        Optional<String> host = mail.host();
        if (host.isPresent() && !AddressRange.isLoopbackName(host.get())) {
            throw StartException.of(
                    "callboard.mail.security", "none is allowed only for a callboard.mail.host on loopback");
        }
        if (mail.username().isPresent()) {
            throw StartException.of(
                    "callboard.mail.username",
                    "a login needs callboard.mail.security=starttls or tls, or the password would be sent unencrypted");
        }
    }
}
