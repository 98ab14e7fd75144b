#include "ipc/runtime/linked_list.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace openmmp {
namespace {

struct Item : ListNode {
  explicit Item(char n) : name(n) {}
  char name;
};

std::string names(LinkedList<Item>& list) {
  std::string text;
  list.for_each([&text](Item& item) { text += item.name; });
  return text;
}

TEST(LinkedList, KeepsOrderAndForgetsTheDead) {
  LinkedList<Item> list;
  EXPECT_TRUE(list.empty());
  Item a('a'), c('c');
  std::optional<Item> b('b');
  list.push_back(a);
  list.push_back(*b);
  list.push_back(c);
  EXPECT_EQ(names(list), "abc");
  b.reset();
  EXPECT_EQ(names(list), "ac");
  list.push_back(a);  // moves
  EXPECT_EQ(names(list), "ca");
  EXPECT_EQ(list.front().name, 'c');
}

TEST(LinkedList, AVisitMayMoveItsNodeToAnotherList) {
  LinkedList<Item> from, to;
  Item a('a'), b('b');
  from.push_back(a);
  from.push_back(b);
  from.for_each([&to](Item& item) { to.push_back(item); });
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(names(to), "ab");
}

TEST(LinkedList, NodesOutliveTheirList) {
  Item a('a');
  {
    LinkedList<Item> list;
    list.push_back(a);
    EXPECT_TRUE(a.linked());
  }
  EXPECT_FALSE(a.linked());
}

}  // namespace
}  // namespace openmmp
