// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.dump;

import java.util.List;

/** Rows of the tables of policy, which a running agent alone has. */
public final class PolicyRows {
  private PolicyRows() {}

  /** What each interface enforces, rule by rule: {@link RuleRow}. */
  public static final String POLICY = "policy";

  /** The sets that rules look up: {@link SetRow}. */
  public static final String SETS = "ipsets";

  /** All policies in the order in which they are asked: {@link PolicyRow}. */
  public static final String POLICIES = "policies";

  /** The local endpoints: {@link EndpointRow}. */
  public static final String ENDPOINTS = "endpoints";

  /** Before an interface's name: its programs, {@link CodeRow}. */
  public static final String CODE_PREFIX = "policy-asm:";

  /** Before what a rule is about: it is asked about what the rules before it allow. */
  public static final String THEN = "then ";

  /** The tables of {@code sluice dump}. */
  public static final List<String> TABLES = List.of(POLICY, SETS);

  /**
   * One rule, or the end of a tier or of a chain.
   *
   * @param iface the interface
   * @param direction {@code ingress} or {@code egress}, seen from the endpoint, or {@code
   *     untracked}
   * @param about which packets: {@code all}, or names of pkt.flags that they have; after {@link
   *     #THEN} those of them that the rows without it allow
   * @param tier empty: a profile, or the end
   * @param policy empty: an end
   * @param rule its number from 0; -1: an end
   * @param action {@code allow}, {@code deny}, {@code pass}, {@code log}
   * @param hits packets that it has decided on since it is in force, all endpoints together; -1:
   *     not counted
   * @param match what it is about
   * @param sets those that it looks up: what they are, how many members, and the first of them
   */
  public record RuleRow(
      String iface,
      String owner,
      String direction,
      String about,
      String tier,
      String policy,
      int rule,
      String action,
      long hits,
      String match,
      List<String> sets) {}

  /**
   * @param id as it is in the maps, in hexadecimal
   * @param definition what it is a set of
   * @param members the first of them
   */
  public record SetRow(String id, String definition, int count, List<String> members) {}

  /**
   * @param order empty: none, last in its tier
   * @param types of {@code Ingress} and {@code Egress}
   * @param selector of the endpoints that it is for, its namespace included
   * @param endpoints interfaces of this node that it is on
   */
  public record PolicyRow(
      String name,
      String tier,
      String order,
      List<String> types,
      String selector,
      List<String> endpoints) {}

  /**
   * @param ready whether it passes packets: {@code v4}, {@code v6}
   * @param ingress names of policies, in order
   * @param egress likewise
   */
  public record EndpointRow(
      String iface,
      String owner,
      List<String> addresses,
      List<String> ready,
      List<String> ingress,
      List<String> egress) {}

  /**
   * @param program its name in the kernel
   * @param piece of a program of several, from 0
   * @param inForce whether the slot has this program
   * @param code disassembled
   */
  public record CodeRow(
      String iface, String direction, String program, int piece, boolean inForce, String code) {}
}
