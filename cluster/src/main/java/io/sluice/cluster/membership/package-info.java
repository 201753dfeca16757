// SPDX-License-Identifier: Apache-2.0
/** Which nodes there are, how they find each other, and whether this side may decide. */
package io.sluice.cluster.membership;
