// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.membership;

import akka.actor.ActorSelection;
import akka.actor.Address;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.cluster.typed.JoinSeedNodes;
import io.sluice.config.settings.ClusterKeys;
import io.sluice.persistence.CborSerializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Finds the other nodes by the seeds, and joins them, or begins a cluster with them.
 *
 * <p>Akka lets the first seed begin a cluster by itself, whenever it starts alone: cut off from the
 * others it would make a second one. Here a node begins a cluster only with the votes of a quorum
 * of the seeds, which a voter gives to one candidate at a time; any order of starts leads to one
 * cluster, and so does the death of any minority of the seeds. A member of less than a quorum that
 * hears of a larger cluster leaves its own, to join that one.
 */
final class Formation extends AbstractBehavior<Formation.Command> {
  /** What the actor takes, from others and from itself. */
  sealed interface Command {}

  /** A message between nodes. */
  sealed interface Wire extends Command, CborSerializable {}

  /**
   * Are you there?
   *
   * @param sent the sender's clock, comes back with the answer; ns
   */
  record Hello(Who from, long sent, ActorRef<Command> replyTo) implements Wire {}

  /**
   * I am.
   *
   * @param sent as asked
   * @param millis the clock of this node, ms since 1970
   * @param members whom it sees in its cluster, itself included; empty if it is in none
   */
  record Here(Who who, long sent, long millis, List<Who> members) implements Wire {
    Here {
      members = List.copyOf(members);
    }

    boolean isMember() {
      return !members.isEmpty();
    }
  }

  /**
   * May I begin a cluster?
   *
   * @param round comes back with the answer: an answer to an earlier question is none
   */
  record Vote(Who candidate, long round, ActorRef<Command> replyTo) implements Wire {}

  /** You may. */
  record Granted(Who voter, Who candidate, long round) implements Wire {}

  private record Tick() implements Command {}

  private record Found(List<String> addresses, Optional<String> failure) implements Command {}

  private record Probed(String address, String cause) implements Command {}

  /**
   * @param reasons why this node is not a member of a cluster yet, or what is wrong; a sentence
   *     each
   */
  record Status(boolean member, List<String> reasons) {
    static final Status STARTING = new Status(false, List.of("the cluster is starting"));

    Status {
      reasons = List.copyOf(reasons);
    }
  }

  static final String NAME = "formation";

  private static final Duration PERIOD = Duration.ofMillis(250);

  /** An answer is good for so long. */
  private static final Duration FRESH = Duration.ofSeconds(3);

  /** How long a node waits for silent seeds, one of which may be the better candidate. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** A promise binds the voter so long. */
  private static final Duration PROMISE = Duration.ofSeconds(4);

  /** A vote is given only while the promise is good for so long yet. */
  private static final Duration MARGIN = Duration.ofSeconds(2);

  /**
   * A candidate collects votes so long, counted from its question. The rest of the margin is for
   * the voters to hear of the cluster that it has begun.
   */
  private static final Duration ROUND = Duration.ofSeconds(1);

  private static final Duration LOOK_UP = Duration.ofSeconds(1);
  private static final Duration PROBE = Duration.ofSeconds(2);

  private static final Duration JOIN_AGAIN = Duration.ofSeconds(3);

  /**
   * @param ahead how far the other's clock is
   */
  record Heard(Here here, long at, Duration ahead) {}

  private record Promise(Who candidate, long until) {}

  private final ClusterKeys keys;
  private final Who self;
  private final Cluster cluster;
  private final Consumer<Status> told;
  private final Lookup lookup;
  private final Probe probe;
  private final Executor blocking;
  private final Map<String, Heard> heard = new HashMap<>();
  private final Map<String, String> causes = new HashMap<>();
  private final Set<String> votes = new HashSet<>();
  private final long began = System.nanoTime();
  private List<String> seeds;
  private Optional<String> lookupFailure = Optional.empty();
  private long lookedUp;
  private long probed;
  private boolean probing;
  private Optional<Promise> promise = Optional.empty();
  private long candidateSince;

  /** When this node last tried to join, itself or others; 0: never. */
  private long joined;

  private Status last = Status.STARTING;

  /**
   * @param told hears of each change of the status
   */
  static Behavior<Command> create(ClusterKeys keys, String nodeName, Consumer<Status> told) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(timers -> new Formation(context, timers, keys, nodeName, told)));
  }

  private Formation(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      ClusterKeys keys,
      String nodeName,
      Consumer<Status> told) {
    super(context);
    this.keys = keys;
    this.told = told;
    this.cluster = Cluster.get(context.getSystem());
    this.self =
        new Who(
            nodeName,
            hostPort(cluster.selfMember().address()),
            cluster.selfMember().uniqueAddress().longUid());
    this.lookup = new Lookup(context.getSystem(), keys);
    this.probe = new Probe(keys.tls());
    this.blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
    this.seeds = lookup.named();
    this.lookedUp = began - LOOK_UP.toNanos();
    this.probed = began;
    timers.startTimerWithFixedDelay(new Tick(), PERIOD);
    context.getSelf().tell(new Tick());
  }

  static String hostPort(Address address) {
    return address.getHost().orElse("") + ":" + address.getPort().orElse(0);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Hello.class, this::hello)
        .onMessage(Here.class, this::here)
        .onMessage(Vote.class, this::vote)
        .onMessage(Granted.class, this::granted)
        .onMessage(Found.class, this::found)
        .onMessage(Probed.class, this::probed)
        .onMessage(Tick.class, tick -> tick())
        .build();
  }

  // What is answered to others.

  private Behavior<Command> hello(Hello hello) {
    hello.replyTo().tell(new Here(self, hello.sent(), System.currentTimeMillis(), members()));
    return this;
  }

  /** Those who are in a cluster with this node, itself included; nobody if it is in none. */
  private List<Who> members() {
    if (!Members.isMember(cluster)) {
      return List.of();
    }
    List<Who> members = new ArrayList<>();
    cluster
        .state()
        .getMembers()
        .forEach(
            member ->
                members.add(
                    new Who(
                        Members.nodeOf(member),
                        hostPort(member.address()),
                        member.uniqueAddress().longUid())));
    return members;
  }

  private Behavior<Command> vote(Vote vote) {
    boolean clusterIsThere = fresh().values().stream().anyMatch(h -> h.here().isMember());
    if (isVoter()
        && !isJoining()
        && !clusterIsThere
        && members().isEmpty()
        && promisesTo(vote.candidate())) {
      vote.replyTo().tell(new Granted(self, vote.candidate(), vote.round()));
    }
    return this;
  }

  /** Only seeds vote and stand: a quorum of anybody would be no majority. */
  private boolean isVoter() {
    return seeds.contains(self.address());
  }

  /** One candidate at a time; the same one again does not make it longer. */
  private boolean promisesTo(Who candidate) {
    long now = System.nanoTime();
    if (promise.isEmpty() || promise.get().until() - now <= 0) {
      promise = Optional.of(new Promise(candidate, now + PROMISE.toNanos()));
    }
    return promise.get().candidate().equals(candidate)
        && promise.get().until() - now >= MARGIN.toNanos();
  }

  // What is heard of others.

  private Behavior<Command> here(Here here) {
    long now = System.nanoTime();
    long halfWay = (now - here.sent()) / 2;
    Duration ahead =
        Duration.ofMillis(here.millis() - System.currentTimeMillis()).plusNanos(halfWay);
    heard.put(here.who().address(), new Heard(here, now, ahead));
    return this;
  }

  private Behavior<Command> granted(Granted granted) {
    if (granted.candidate().equals(self) && granted.round() == candidateSince) {
      votes.add(granted.voter().address());
      begin();
    }
    return this;
  }

  private Map<String, Heard> fresh() {
    Map<String, Heard> fresh = new TreeMap<>();
    long now = System.nanoTime();
    heard.forEach(
        (address, answer) -> {
          if (now - answer.at() < FRESH.toNanos()) {
            fresh.put(address, answer);
          }
        });
    return fresh;
  }

  // What this node does.

  private Behavior<Command> tick() {
    lookUp();
    for (String seed : seeds) {
      if (!seed.equals(self.address())) {
        at(seed)
            .tell(
                new Hello(self, System.nanoTime(), getContext().getSelf()),
                akka.actor.ActorRef.noSender());
      }
    }
    if (Members.isMember(cluster)) {
      return asMember();
    }
    if (keys.alone()) {
      joinSelf();
      return this;
    }
    look(fresh());
    return this;
  }

  private void lookUp() {
    long now = System.nanoTime();
    if (lookup.isDynamic() && now - lookedUp >= LOOK_UP.toNanos()) {
      lookedUp = now;
      getContext()
          .pipeToSelf(
              lookup.found(),
              (found, failure) ->
                  failure == null
                      ? new Found(found, Optional.empty())
                      : new Found(List.of(), Optional.of(oneLine(failure))));
    }
  }

  private static String oneLine(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage()).replaceAll("\\s+", " ");
  }

  /** What cannot be looked up now is not gone: the nodes known so far are asked on. */
  private Behavior<Command> found(Found found) {
    lookupFailure = found.failure();
    if (found.failure().isEmpty()) {
      seeds = found.addresses();
    }
    return this;
  }

  /** Finds out why seeds are silent, one at a time. */
  private void probe(List<String> silent) {
    long now = System.nanoTime();
    causes.keySet().retainAll(silent);
    if (probing || now - probed < PROBE.toNanos() / Math.max(1, silent.size())) {
      return;
    }
    probing = true;
    probed = now;
    String next = silent.get((int) Math.floorMod(now / PROBE.toMillis(), (long) silent.size()));
    getContext()
        .pipeToSelf(
            CompletableFuture.supplyAsync(() -> probe.cause(next), blocking),
            (cause, failure) -> new Probed(next, failure == null ? cause : oneLine(failure)));
  }

  private Behavior<Command> probed(Probed result) {
    probing = false;
    causes.put(result.address(), result.cause());
    return this;
  }

  private ActorSelection at(String address) {
    return Adapter.toClassic(getContext().getSystem())
        .actorSelection("akka://" + ClusterConfig.SYSTEM + "@" + address + "/user/" + NAME);
  }

  private void look(Map<String, Heard> fresh) {
    List<String> refusals = Refusals.of(self, fresh.values());
    if (!refusals.isEmpty()) {
      tell(new Status(false, refusals));
      return;
    }
    List<Address> clusters =
        fresh.values().stream()
            .filter(answer -> answer.here().isMember())
            // The larger one, should there be two.
            .sorted(Comparator.comparing(answer -> -answer.here().members().size()))
            .map(answer -> address(answer.here().who().address()))
            .toList();
    if (!clusters.isEmpty()) {
      join(clusters);
    } else if (!isJoining()) {
      stand(fresh);
    }
    tell(new Status(false, List.of(looking(fresh))));
  }

  private Address address(String hostPort) {
    int colon = hostPort.lastIndexOf(':');
    return new Address(
        "akka",
        ClusterConfig.SYSTEM,
        hostPort.substring(0, colon),
        Integer.parseInt(hostPort.substring(colon + 1)));
  }

  private void join(List<Address> members) {
    if (!isJoining()) {
      joined = System.nanoTime();
      cluster.manager().tell(new JoinSeedNodes(members));
    }
  }

  /**
   * Whether an attempt to join is under way. Not for ever: whom it is about may have died, or may
   * have been downed, since it said that it is a member, and then it comes to nothing.
   */
  private boolean isJoining() {
    return joined != 0 && System.nanoTime() - joined < JOIN_AGAIN.toNanos();
  }

  /** Stands for election, if it is the first of those that are there, and those are enough. */
  private void stand(Map<String, Heard> fresh) {
    long now = System.nanoTime();
    boolean enough = fresh.size() + 1 >= keys.quorum();
    boolean first = fresh.keySet().stream().allMatch(other -> self.address().compareTo(other) < 0);
    boolean all = fresh.size() + 1 == seeds.size();
    if (!isVoter() || !enough || !first || !(all || now - began > PATIENCE.toNanos())) {
      candidateSince = 0;
      return;
    }
    if (candidateSince == 0 || now - candidateSince > ROUND.toNanos()) {
      votes.clear();
      candidateSince = now;
    }
    if (promisesTo(self)) {
      votes.add(self.address());
    }
    fresh.keySet().forEach(other -> ask(other));
    begin();
  }

  private void ask(String other) {
    at(other)
        .tell(
            new Vote(self, candidateSince, getContext().getSelf()), akka.actor.ActorRef.noSender());
  }

  private void begin() {
    boolean inTime = System.nanoTime() - candidateSince < ROUND.toNanos();
    if (inTime && votes.contains(self.address()) && votes.size() >= keys.quorum()) {
      getContext().getLog().info("begins a cluster, with the votes of {}", votes);
      joinSelf();
    }
  }

  private void joinSelf() {
    if (!isJoining()) {
      joined = System.nanoTime();
      cluster.manager().tell(new Join(cluster.selfMember().address()));
    }
  }

  private Behavior<Command> asMember() {
    candidateSince = 0;
    Map<String, Heard> fresh = fresh();
    List<Who> own = members();
    Set<String> ownAddresses = new HashSet<>();
    own.forEach(who -> ownAddresses.add(who.address()));
    for (Heard answer : fresh.values()) {
      if (isBetter(answer.here(), own)) {
        getContext()
            .getLog()
            .warn(
                "{} is in a cluster of {} nodes, this node in one of {}, less than the quorum of {}:"
                    + " leaving, to join that one",
                answer.here().who(),
                answer.here().members().size(),
                own.size(),
                keys.quorum());
        tell(new Status(false, List.of("leaves a cluster of too few, for a larger one")));
        getContext().getSystem().terminate();
        return Behaviors.stopped();
      }
    }
    List<String> clocks = Refusals.clocksApart(fresh.values());
    tell(new Status(true, clocks));
    return this;
  }

  /** Whether the other's cluster is not this one, and is to be preferred to it. */
  private boolean isBetter(Here other, List<Who> own) {
    boolean same =
        other.members().stream().anyMatch(self::equals)
            || own.stream().anyMatch(other.who()::equals);
    if (!other.isMember() || same || own.size() >= keys.quorum()) {
      return false;
    }
    return other.members().size() > own.size()
        || other.members().size() == own.size()
            && lowest(other.members()).compareTo(lowest(own)) < 0;
  }

  private static String lowest(List<Who> members) {
    return members.stream().map(Who::address).min(Comparator.naturalOrder()).orElse("");
  }

  // What is said.

  private String looking(Map<String, Heard> fresh) {
    List<String> silent = new ArrayList<>(seeds);
    silent.removeAll(fresh.keySet());
    silent.remove(self.address());
    if (!silent.isEmpty()) {
      probe(silent);
    }
    String found =
        "looking for the cluster: %d of %d seeds are there, %s"
            .formatted(
                seeds.size() - silent.size(),
                seeds.size(),
                isVoter() ? "this node included" : "this node is none of them");
    boolean few = fresh.size() + (isVoter() ? 1 : 0) < keys.quorum();
    return found
        + (few ? ", " + keys.quorum() + " are needed" : "")
        + (silent.isEmpty() ? "" : "; no answer from " + withCauses(silent))
        + lookupFailure.map(reason -> "; they cannot be looked up: " + reason).orElse("");
  }

  private String withCauses(List<String> silent) {
    return silent.stream()
        .map(seed -> causes.containsKey(seed) ? seed + " (" + causes.get(seed) + ")" : seed)
        .collect(Collectors.joining(", "));
  }

  private void tell(Status now) {
    if (!now.equals(last)) {
      last = now;
      told.accept(now);
    }
  }
}
