package dev.callboard;

import dev.callboard.alert.AlertMetrics;
import dev.callboard.alert.Chat;
import dev.callboard.alert.MailComposer;
import dev.callboard.alert.MailHealth;
import dev.callboard.alert.MailServer;
import dev.callboard.alert.Outbox;
import dev.callboard.alert.Recipients;
import dev.callboard.alert.TestMail;
import dev.callboard.callback.Acknowledgement;
import dev.callboard.callback.CallbackBody;
import dev.callboard.callback.CallbackUrl;
import dev.callboard.callback.ProblemDetails;
import dev.callboard.callback.Quarantine;
import dev.callboard.callback.Results;
import dev.callboard.callback.SchemaCheck;
import dev.callboard.db.Backups;
import dev.callboard.db.Database;
import dev.callboard.db.DatabaseHealthCheck;
import dev.callboard.db.Retention;
import dev.callboard.event.EventDelivery;
import dev.callboard.event.EventLog;
import dev.callboard.event.EventMetrics;
import dev.callboard.event.Listeners;
import dev.callboard.event.Webhook;
import dev.callboard.http.ClientLimits;
import dev.callboard.http.ManagementServer;
import dev.callboard.lookup.EventLookup;
import dev.callboard.lookup.MailLookup;
import dev.callboard.lookup.QuarantineList;
import dev.callboard.lookup.TaskLookup;
import dev.callboard.provider.LookupMetrics;
import dev.callboard.provider.LookupSteps;
import dev.callboard.provider.Reconciler;
import dev.callboard.security.Rejections;
import dev.callboard.security.SourceCheck;
import dev.callboard.security.Tokens;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.task.Announcements;
import dev.callboard.task.CallbackMetrics;
import dev.callboard.task.Deadlines;
import dev.callboard.task.GroupCommit;
import dev.callboard.task.TaskAnnouncer;
import dev.callboard.task.TaskRecorder;
import dev.callboard.task.TaskStore;
import dev.callboard.task.UnrecordedTasks;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.component.micrometer.MicrometerConstants;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.spi.Registry;

/**
 * Makes the beans that the routes name and puts them into Camel's registry. The names of those that a user's routes use
 * are part of the contract in the manual's chapter on providers, and never change.
 */
final class Beans implements AutoCloseable {
    /** They run what a route does after its callback is recorded, which rarely waits. */
    private static final int ANSWER_THREADS = 16;

    /** How long the routes may take for that when Callboard stops. */
    private static final int ANSWER_TIMEOUT_MS = 500;

    private static final Duration LOOKUP_TIMEOUT = Duration.ofSeconds(30);

    /** A hundred tasks of the largest kind are some 500 KB. What is parsed takes many times its length. */
    private static final int MAX_LOOKUP_BYTES = 2 * 1024 * 1024;

    private final Settings settings;
    private final Clock clock;
    private final MeterRegistry metrics;
    private final Registry registry;
    private final Recipients recipients;
    private final SourceCheck sourceCheck;
    private final Tokens tokens;
    private final Rejections rejections;
    private final CallbackMetrics callbackMetrics;
    private final MailHealth mailHealth = new MailHealth();
    private final ExecutorService answers = Executors.newFixedThreadPool(ANSWER_THREADS, Beans::answerThread);
    private final ClientLimits lookupHttp = new ClientLimits(LOOKUP_TIMEOUT, MAX_LOOKUP_BYTES);
    private final ClientLimits chatHttp = new ClientLimits(Chat.TIMEOUT, Chat.MAX_ANSWER_BYTES);
    private final LookupMetrics lookupMetrics;
    private final EventMetrics eventMetrics;
    private final Webhook webhook;
    private EventDelivery events;
    private GroupCommit groupCommit;
    private UnrecordedTasks unrecorded;
    private Reconciler reconciler;

    /** @throws StartException if a recipient is not a mail address, or can't be reached */
    Beans(Settings settings, Clock clock, MeterRegistry metrics, Registry registry) {
        this.settings = settings;
        this.clock = clock;
        this.metrics = metrics;
        this.registry = registry;
        this.recipients = new Recipients(settings);
        this.tokens = new Tokens(settings);
        this.rejections = new Rejections(clock, metrics);
        this.sourceCheck = new SourceCheck(settings, tokens, rejections);
        this.lookupMetrics = new LookupMetrics(metrics, settings.providerNames(), clock);
        this.eventMetrics = new EventMetrics(metrics, clock);
        this.webhook = new Webhook(settings.events(), clock);
        this.callbackMetrics = new CallbackMetrics(metrics, settings.providerNames());
    }

    /**
     * Binds the beans that need no database, before Camel reads the routes.
     *
     * @throws StartException if a schema or a mail template can't be used
     */
    void bind(Vertx managementVertx, ManagementServer management) {
        // Camel finds both by their types.
        registry.bind("managementVertx", managementVertx);
        registry.bind("managementServer", management);
        // The name by which Camel looks for a registry before it creates its own.
        registry.bind(MicrometerConstants.METRICS_REGISTRY_NAME, metrics);
        bindForUsersRoutes();
        registry.bind("acknowledgement", new Acknowledgement());
        registry.bind("callbackMetrics", callbackMetrics);
        registry.bind("problemDetails", new ProblemDetails());
        registry.bind("rejections", rejections);
        registry.bind("managementJson", Json.management());
        registry.bind("noRequestHeaders", noRequestHeaders());
        MailComposer composer = new MailComposer(settings, recipients, clock);
        registry.bind("mailComposer", composer);
        registry.bind("mailSender", MailServer.of(settings, clock));
        registry.bind("mailThreads", MailServer.threads());
        registry.bind("chat", new Chat(settings, composer, clock));
        registry.bind("chatHttp", chatHttp);
        registry.bind("chatThreads", Chat.threads());
        registry.bind("lookup", new LookupSteps(settings.http().maxBodyBytes(), clock));
        registry.bind("lookupHttp", lookupHttp);
        registry.bind("webhook", webhook);
        registry.bind("testMail", new TestMail(settings, recipients, composer, mailHealth));
        registry.bind("mail-health", new FaultHealthCheck("mail", mailHealth::fault));
    }

    private void bindForUsersRoutes() {
        registry.bind("sourceCheck", sourceCheck);
        registry.bind("callbackUrl", new CallbackUrl());
        registry.bind("callbackBody", new CallbackBody(tokens::redact));
        registry.bind("strictJson", Json.strict());
        registry.bind("schemaCheck", new SchemaCheck(settings.routes().folder(), settings.providerNames()));
        registry.bind("results", new Results());
    }

    /** Binds the beans that need the database. */
    void bind(CamelContext camel, Database database) {
        EventLog eventLog = new EventLog(Listeners.listen(settings));
        TaskStore store = new TaskStore(database, deadlines(), eventLog);
        Announcements announcements = new Announcements(database, deadlines(), clock);
        unrecorded = new UnrecordedTasks(announcements, settings.providerNames());
        registry.bind("unrecordedTasks", unrecorded);
        groupCommit =
                new GroupCommit(store::recordGroup, database.writers(), GroupCommit.COMMIT_TIMEOUT, callbackMetrics);
        registry.bind("dataSource", database.dataSource());
        registry.bind("lookups", database.lookups());
        registry.bind("database-health", new DatabaseHealthCheck(store::checkWritable));
        registry.bind(
                "taskRecorder",
                new TaskRecorder(groupCommit, callbackMetrics, unrecorded, alertKinds(), clock, answers));
        registry.bind("taskAnnouncer", new TaskAnnouncer(settings.providerNames(), announcements));
        registry.bind("quarantine", new Quarantine(database, metrics, settings.providerNames(), clock));
        reconciler = new Reconciler(camel, database, settings.providers(), lookupMetrics, clock);
        registry.bind("reconciler", reconciler);
        registry.bind("lookup-health", new FaultHealthCheck("lookups", reconciler::fault));
        events = new EventDelivery(
                camel,
                database,
                eventLog,
                webhook,
                new EventDelivery.Times(
                        settings.events().giveUpAfter(), settings.events().keep()),
                eventMetrics,
                clock);
        registry.bind("eventDelivery", events);
        registry.bind("event-health", new FaultHealthCheck("events", events::fault));
        registry.bind("eventLookup", new EventLookup(database));
        registry.bind("quarantineList", new QuarantineList(database));
        registry.bind("taskLookup", new TaskLookup(database));
        registry.bind("mailLookup", new MailLookup(database));
        registry.bind("backups", new Backups(database));
        registry.bind("info", new Info(database, clock));
        registry.bind("retention", new Retention(database, settings.retention(), clock));
        AlertMetrics alertMetrics = new AlertMetrics(metrics, database, mailHealth, clock);
        registry.bind("alertMetrics", alertMetrics);
        registry.bind(
                "outbox",
                new Outbox(database, recipients, settings.alerts().interval(), alertMetrics, mailHealth, clock));
    }

    private Deadlines deadlines() {
        Map<String, Deadlines.Times> times = new HashMap<>();
        settings.providers()
                .forEach((name, provider) -> times.put(
                        name,
                        new Deadlines.Times(
                                provider.lookups().after(), provider.lookups().overdueAfter())));
        return new Deadlines(times);
    }

    /** The codes of all kinds of alerts that a route may set. */
    Set<String> alertKinds() {
        return recipients.kinds();
    }

    /** Whether an address is among the recipients of alerts. */
    boolean sendsMails() {
        return recipients.hasAddresses();
    }

    private static Thread answerThread(Runnable work) {
        Thread thread = new Thread(work, "callboard-answer");
        thread.setDaemon(true);
        return thread;
    }

    Reconciler reconciler() {
        return reconciler;
    }

    EventDelivery events() {
        return events;
    }

    GroupCommit groupCommit() {
        return groupCommit;
    }

    SourceCheck sourceCheck() {
        return sourceCheck;
    }

    /** Keeps the headers and query parameters of a request out of the message; a path parameter stays in it. */
    private static HttpHeaderFilterStrategy noRequestHeaders() {
        HttpHeaderFilterStrategy strategy = new HttpHeaderFilterStrategy();
        strategy.setInFilterPattern(".*");
        return strategy;
    }

    /** Records the callbacks that wait, and accepts no more. */
    @Override
    public void close() throws IOException {
        lookupHttp.close();
        chatHttp.close();
        webhook.close();
        if (groupCommit != null) {
            groupCommit.close();
            unrecorded.close();
        }
        answers.shutdown();
        try {
            // No interrupt after that, since H2 closes its file when a thread is interrupted in it.
            boolean unused = answers.awaitTermination(ANSWER_TIMEOUT_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
