package dev.callboard.kafka;

import static dev.callboard.testkit.Waiting.soon;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.callboard.testkit.TestCallboard;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import kafka.testkit.KafkaClusterTestKit;
import kafka.testkit.TestKitNodes;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.LoggerFactory;

/** Three brokers and a controller of Kafka's own test kit, on fixed ports, and what is in the topic of the recipe. */
final class Brokers implements AutoCloseable {
    private static final int COUNT = 3;
    private static final String TOPIC = "callbacks";
    private static final String GROUP = "callboard";

    private final KafkaClusterTestKit kit;
    private final String addresses;
    private final Admin admin;

    private Brokers(KafkaClusterTestKit kit, String addresses) {
        this.kit = kit;
        this.addresses = addresses;
        this.admin = Admin.create(Map.of("bootstrap.servers", addresses));
    }

    static Brokers start() throws Exception {
        quiet("kafka");
        quiet("state");
        Map<Integer, Map<String, String>> listeners = new HashMap<>();
        StringBuilder addresses = new StringBuilder();
        for (int broker = 0; broker < COUNT; broker++) {
            String address = "localhost:" + TestCallboard.freePort();
            listeners.put(broker, Map.of("listeners", "EXTERNAL://" + address));
            addresses.append(broker == 0 ? "" : ",").append(address);
        }
        KafkaClusterTestKit kit = new KafkaClusterTestKit.Builder(new TestKitNodes.Builder()
                        .setNumBrokerNodes(COUNT)
                        .setNumControllerNodes(1)
                        .setPerServerProperties(listeners)
                        .build())
                .setConfigProp("offsets.topic.num.partitions", "3")
                .setConfigProp("group.initial.rebalance.delay.ms", "0")
                .build();
        kit.format();
        kit.startup();
        kit.waitForReadyBrokers();
        return new Brokers(kit, addresses.toString());
    }

    private static void quiet(String logger) {
        ((Logger) LoggerFactory.getLogger(logger)).setLevel(Level.ERROR);
    }

    String addresses() {
        return addresses;
    }

    void createTopic(Recipe recipe) throws ExecutionException, InterruptedException {
        admin.createTopics(List.of(new NewTopic(TOPIC, recipe.partitions(), recipe.replicationFactor())
                        .configs(recipe.topicConfiguration())))
                .all()
                .get();
        soon().ignoreExceptions().until(() -> partitions().size() == recipe.partitions());
    }

    /** Creates a topic with the brokers' defaults. */
    void createTopic(String name) throws ExecutionException, InterruptedException {
        admin.createTopics(List.of(new NewTopic(name, 3, (short) 3))).all().get();
    }

    /** The records of another topic from its beginning on, at least so many. */
    List<ConsumerRecord<String, String>> read(String topic, int count) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", addresses);
        properties.put("group.id", "test-" + topic);
        properties.put("auto.offset.reset", "earliest");
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            soon().until(() -> {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                return records.size() >= count;
            });
        }
        return records;
    }

    /** Has the consumers begin behind the records so far, once none of them runs. */
    void skipAll() {
        soon().ignoreExceptions().until(() -> {
            Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
            ends().forEach((partition, end) -> ends.put(partition, new OffsetAndMetadata(end)));
            admin.alterConsumerGroupOffsets(GROUP, ends).all().get();
            return lag() == 0;
        });
    }

    private List<TopicPartition> partitions() throws ExecutionException, InterruptedException {
        return admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions().stream()
                .map(partition -> new TopicPartition(TOPIC, partition.partition()))
                .toList();
    }

    private Map<TopicPartition, Long> ends() throws ExecutionException, InterruptedException {
        Map<TopicPartition, OffsetSpec> latest =
                partitions().stream().collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
        Map<TopicPartition, Long> ends = new HashMap<>();
        admin.listOffsets(latest).all().get().forEach((partition, end) -> ends.put(partition, end.offset()));
        return ends;
    }

    void stop(int... brokers) {
        for (int broker : brokers) {
            kit.brokers().get(broker).shutdown();
            kit.brokers().get(broker).awaitShutdown();
        }
    }

    void startAgain(int... brokers) {
        for (int broker : brokers) {
            kit.brokers().get(broker).startup();
        }
    }

    /** How many records have been sent. */
    long end() throws ExecutionException, InterruptedException {
        return ends().values().stream().mapToLong(Long::longValue).sum();
    }

    /** How many records the consumers have recorded. */
    long committed() throws ExecutionException, InterruptedException {
        return admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get().entrySet().stream()
                .filter(offset -> offset.getKey().topic().equals(TOPIC) && offset.getValue() != null)
                .map(Map.Entry::getValue)
                .mapToLong(OffsetAndMetadata::offset)
                .sum();
    }

    long lag() throws ExecutionException, InterruptedException {
        return end() - committed();
    }

    /** Sends a record that is not Callboard's. */
    void send(String key, byte[] value, Map<String, String> headers) throws ExecutionException, InterruptedException {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", addresses);
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(properties, new StringSerializer(), new ByteArraySerializer())) {
            ProducerRecord<String, byte[]> sent = new ProducerRecord<>(TOPIC, key, value);
            headers.forEach((name, header) -> sent.headers().add(name, header.getBytes(StandardCharsets.UTF_8)));
            producer.send(sent).get();
        }
    }

    @Override
    public void close() {
        admin.close();
        try {
            kit.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
