# ruff: noqa
# fmt: off
# mypy: ignore-errors
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Answer(_message.Message):
    __slots__ = ["assigned", "facets", "items", "request_id", "stale", "version"]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    assigned: Assigned
    facets: FacetCounts
    items: _containers.RepeatedCompositeFieldContainer[Item]
    request_id: str
    stale: bool
    version: int
    def __init__(self, request_id: _Optional[str] = ..., version: _Optional[int] = ..., stale: bool = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., facets: _Optional[_Union[FacetCounts, _Mapping]] = ..., assigned: _Optional[_Union[Assigned, _Mapping]] = ...) -> None: ...

class Assigned(_message.Message):
    __slots__ = ["arm", "arms", "experiment", "forced"]
    ARMS_FIELD_NUMBER: _ClassVar[int]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    FORCED_FIELD_NUMBER: _ClassVar[int]
    arm: str
    arms: _containers.RepeatedScalarFieldContainer[str]
    experiment: str
    forced: bool
    def __init__(self, experiment: _Optional[str] = ..., arm: _Optional[str] = ..., arms: _Optional[_Iterable[str]] = ..., forced: bool = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ["done", "remains"]
    DONE_FIELD_NUMBER: _ClassVar[int]
    REMAINS_FIELD_NUMBER: _ClassVar[int]
    done: bool
    remains: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, done: bool = ..., remains: _Optional[_Iterable[str]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ["arm", "event", "event_id", "experiment", "item_id", "position", "price", "quantity", "query", "rating", "request_id", "session_id", "text", "timestamp", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    event: str
    event_id: str
    experiment: str
    item_id: str
    position: int
    price: float
    quantity: float
    query: str
    rating: float
    request_id: str
    session_id: str
    text: str
    timestamp: str
    user_id: str
    def __init__(self, event_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., event: _Optional[str] = ..., item_id: _Optional[str] = ..., user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., request_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., query: _Optional[str] = ..., position: _Optional[int] = ..., quantity: _Optional[float] = ..., price: _Optional[float] = ..., rating: _Optional[float] = ..., text: _Optional[str] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ["arm", "experiment", "item_ids", "query", "session_id", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    experiment: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    query: str
    session_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., query: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Explained(_message.Message):
    __slots__ = ["items", "request_id"]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Why]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[Why, _Mapping]]] = ...) -> None: ...

class FacetCount(_message.Message):
    __slots__ = ["count", "value"]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    count: int
    value: str
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class FacetCounts(_message.Message):
    __slots__ = ["brands", "categories"]
    BRANDS_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    brands: _containers.RepeatedCompositeFieldContainer[FacetCount]
    categories: _containers.RepeatedCompositeFieldContainer[FacetCount]
    def __init__(self, categories: _Optional[_Iterable[_Union[FacetCount, _Mapping]]] = ..., brands: _Optional[_Iterable[_Union[FacetCount, _Mapping]]] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ["user_id"]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class FoundBy(_message.Message):
    __slots__ = ["rank", "source"]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    rank: int
    source: str
    def __init__(self, source: _Optional[str] = ..., rank: _Optional[int] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ["campaign_id", "item_id", "score", "sponsored"]
    CAMPAIGN_ID_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_FIELD_NUMBER: _ClassVar[int]
    campaign_id: str
    item_id: str
    score: float
    sponsored: bool
    def __init__(self, item_id: _Optional[str] = ..., score: _Optional[float] = ..., sponsored: bool = ..., campaign_id: _Optional[str] = ...) -> None: ...

class ItemUpdate(_message.Message):
    __slots__ = ["brand", "category", "description", "item_id", "price", "stock", "take_back", "timestamp", "title", "withdrawn"]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    TAKE_BACK_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    brand: str
    category: str
    description: str
    item_id: str
    price: float
    stock: int
    take_back: _containers.RepeatedScalarFieldContainer[str]
    timestamp: str
    title: str
    withdrawn: bool
    def __init__(self, item_id: _Optional[str] = ..., timestamp: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., category: _Optional[str] = ..., brand: _Optional[str] = ..., price: _Optional[float] = ..., stock: _Optional[int] = ..., withdrawn: bool = ..., take_back: _Optional[_Iterable[str]] = ...) -> None: ...

class ItemsRequest(_message.Message):
    __slots__ = ["items"]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[ItemUpdate]
    def __init__(self, items: _Optional[_Iterable[_Union[ItemUpdate, _Mapping]]] = ...) -> None: ...

class MergeRequest(_message.Message):
    __slots__ = ["session_id", "user_id"]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    user_id: str
    def __init__(self, session_id: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ["contribution", "name"]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    contribution: float
    name: str
    def __init__(self, name: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...

class RankRequest(_message.Message):
    __slots__ = ["arm", "experiment", "item_ids", "query", "session_id", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    ITEM_IDS_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    experiment: str
    item_ids: _containers.RepeatedScalarFieldContainer[str]
    query: str
    session_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., query: _Optional[str] = ..., item_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RecommendRequest(_message.Message):
    __slots__ = ["arm", "exclude_seen", "experiment", "in_stock", "k", "session_id", "sponsored", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_SEEN_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    exclude_seen: bool
    experiment: str
    in_stock: bool
    k: int
    session_id: str
    sponsored: bool
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., k: _Optional[int] = ..., exclude_seen: bool = ..., in_stock: bool = ..., sponsored: bool = ...) -> None: ...

class RecordRequest(_message.Message):
    __slots__ = ["events"]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class Recorded(_message.Message):
    __slots__ = ["event_ids", "stale"]
    EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    event_ids: _containers.RepeatedScalarFieldContainer[str]
    stale: bool
    def __init__(self, event_ids: _Optional[_Iterable[str]] = ..., stale: bool = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ["arm", "brand", "category", "experiment", "facets", "in_stock", "k", "price_max", "price_min", "query", "session_id", "sponsored", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    BRAND_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    FACETS_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    PRICE_MAX_FIELD_NUMBER: _ClassVar[int]
    PRICE_MIN_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SPONSORED_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    brand: _containers.RepeatedScalarFieldContainer[str]
    category: str
    experiment: str
    facets: bool
    in_stock: bool
    k: int
    price_max: float
    price_min: float
    query: str
    session_id: str
    sponsored: bool
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., k: _Optional[int] = ..., query: _Optional[str] = ..., category: _Optional[str] = ..., brand: _Optional[_Iterable[str]] = ..., price_min: _Optional[float] = ..., price_max: _Optional[float] = ..., in_stock: bool = ..., facets: bool = ..., sponsored: bool = ...) -> None: ...

class Sentiments(_message.Message):
    __slots__ = ["scores"]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    scores: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scores: _Optional[_Iterable[float]] = ...) -> None: ...

class SimilarByImageRequest(_message.Message):
    __slots__ = ["arm", "experiment", "image", "in_stock", "k", "session_id", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    experiment: str
    image: bytes
    in_stock: bool
    k: int
    session_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., k: _Optional[int] = ..., image: _Optional[bytes] = ..., in_stock: bool = ...) -> None: ...

class SimilarRequest(_message.Message):
    __slots__ = ["arm", "experiment", "in_stock", "item_id", "k", "session_id", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    IN_STOCK_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    experiment: str
    in_stock: bool
    item_id: str
    k: int
    session_id: str
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., k: _Optional[int] = ..., item_id: _Optional[str] = ..., in_stock: bool = ...) -> None: ...

class SlotsRequest(_message.Message):
    __slots__ = ["arm", "experiment", "query", "session_id", "slots", "user_id"]
    ARM_FIELD_NUMBER: _ClassVar[int]
    EXPERIMENT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    arm: str
    experiment: str
    query: str
    session_id: str
    slots: int
    user_id: str
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., experiment: _Optional[str] = ..., arm: _Optional[str] = ..., query: _Optional[str] = ..., slots: _Optional[int] = ...) -> None: ...

class TextsRequest(_message.Message):
    __slots__ = ["texts"]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class Updated(_message.Message):
    __slots__ = ["items", "stale"]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    items: int
    stale: bool
    def __init__(self, items: _Optional[int] = ..., stale: bool = ...) -> None: ...

class Why(_message.Message):
    __slots__ = ["found_by", "item_id", "parts", "score", "words"]
    FOUND_BY_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    found_by: _containers.RepeatedCompositeFieldContainer[FoundBy]
    item_id: str
    parts: _containers.RepeatedCompositeFieldContainer[Part]
    score: float
    words: _containers.RepeatedCompositeFieldContainer[WordMatch]
    def __init__(self, item_id: _Optional[str] = ..., score: _Optional[float] = ..., parts: _Optional[_Iterable[_Union[Part, _Mapping]]] = ..., words: _Optional[_Iterable[_Union[WordMatch, _Mapping]]] = ..., found_by: _Optional[_Iterable[_Union[FoundBy, _Mapping]]] = ...) -> None: ...

class WordMatch(_message.Message):
    __slots__ = ["contribution", "matched", "word"]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    contribution: float
    matched: str
    word: str
    def __init__(self, word: _Optional[str] = ..., matched: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...
