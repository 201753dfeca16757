// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

import io.sluice.kernel.layout.Family;
import io.sluice.kernel.layout.PktFlags;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Makes eBPF of plans. The same plan gives the same program, under the same name, in every process.
 * A program ends in one of the two continuations that its caller has left (PROG-2), and drops if
 * there is none.
 */
public final class PolicyGenerator {
  private static final int DIGITS = 12;

  private PolicyGenerator() {}

  /**
   * The program that judges as a plan says.
   *
   * @throws PolicyTooLargeException if it would take more programs than a packet can go through
   */
  public static PolicyProgram generate(Plan plan) {
    return generate(plan, Pieces.Limits.KERNEL);
  }

  /** The same, cut into smaller pieces. */
  static PolicyProgram generate(Plan plan, Pieces.Limits limits) {
    List<byte[]> pieces = pieces(plan, Ends.AS_PLANNED, limits);
    return new PolicyProgram("p_" + digest(pieces), pieces);
  }

  /**
   * The program that judges as an untracked policy (doNotTrack) says, for XDP. Where no rule has
   * decided it says nothing, whatever the plan has as the end of its chains: other policies are
   * asked about those packets.
   *
   * @throws PolicyTooLargeException if it would take more programs than a packet can go through
   */
  public static PolicyProgram generateUntracked(Plan plan) {
    List<byte[]> pieces =
        pieces(plan, Ends.UNDECIDED, Pieces.Limits.KERNEL).stream()
            .map(XdpTarget::translate)
            .toList();
    return new PolicyProgram("x_" + digest(pieces), pieces);
  }

  /** What becomes of packets that no rule has decided on. */
  private enum Ends {
    AS_PLANNED,
    UNDECIDED
  }

  private static List<byte[]> pieces(Plan plan, Ends ends, Pieces.Limits limits) {
    long rules = plan.chains().stream().mapToLong(PolicyGenerator::count).sum();
    return Pieces.cut(code(plan, Family.IPV4, ends), code(plan, Family.IPV6, ends), rules, limits);
  }

  private static long count(Chain chain) {
    return chain.tiers().stream()
            .flatMap(tier -> tier.policies().stream())
            .mapToLong(policy -> policy.rules().size())
            .sum()
        + chain.profiles().stream().mapToLong(profile -> profile.rules().size()).sum();
  }

  private static Code code(Plan plan, Family family, Ends ends) {
    Code code = new Code(family);
    add(plan, code, ends);
    return code;
  }

  private static void add(Plan plan, Code code, Ends ends) {
    Mark allow = plan.next().isPresent() ? new Mark() : Mark.ALLOW;
    for (Plan.Case one : plan.cases()) {
      Mark next = new Mark();
      if (one.mask() != 0) {
        Criterion flags = new Criterion.Flags(one.mask(), one.value());
        code.add(piece -> flags.write(piece, next));
      } else if (one.value() != 0) {
        continue; // no packet is like that
      }
      add(one.chain(), allow, code, ends);
      code.place(next);
    }
    end(Action.DENY, 0, allow, code, ends);
    if (plan.next().isPresent()) {
      code.place(allow);
      add(plan.next().get(), code, ends);
    }
  }

  private static void end(Action action, long id, Mark allow, Code code, Ends ends) {
    if (ends == Ends.AS_PLANNED) {
      if (action == Action.PASS) {
        code.add(piece -> piece.unflag(PktFlags.PKT_DECIDED));
      }
      Action act = action == Action.DENY ? Action.DENY : Action.ALLOW;
      Rules.act(act, id, new Exits(allow, null), code);
      return;
    }
    if (id != 0) {
      code.add(piece -> piece.hit(id));
    }
    code.add(Piece::undecided);
  }

  /**
   * @param allow where what the chain allows goes on
   */
  private static void add(Chain chain, Mark allow, Code code, Ends ends) {
    for (Tier tier : chain.tiers()) {
      Mark next = new Mark();
      Exits exits = new Exits(allow, next);
      Rules.add(rules(tier.policies()), exits, code);
      if (tier.end() == Action.DENY) {
        Rules.act(Action.DENY, tier.endId(), exits, code);
      } else if (tier.endId() != 0) {
        code.add(piece -> piece.hit(tier.endId()));
      }
      code.place(next);
    }
    List<Rule> profiles =
        rules(chain.profiles()).stream().filter(rule -> rule.action() != Action.PASS).toList();
    Rules.add(profiles, new Exits(allow, null), code);
    end(chain.end(), chain.endId(), allow, code, ends);
  }

  private static List<Rule> rules(List<Policy> policies) {
    return policies.stream().flatMap(policy -> policy.rules().stream()).toList();
  }

  private static String digest(List<byte[]> pieces) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] piece : pieces) {
        digest.update(Integer.toString(piece.length).getBytes(StandardCharsets.US_ASCII));
        digest.update(piece);
      }
      return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
